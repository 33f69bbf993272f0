exports.handler = async () => 'ran';
