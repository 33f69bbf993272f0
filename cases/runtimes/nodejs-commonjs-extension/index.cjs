exports.handler = async () => require('./data.json');
