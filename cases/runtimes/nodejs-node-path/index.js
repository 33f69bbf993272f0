exports.handler = async () => require('shared');
