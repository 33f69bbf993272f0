exports.handler = 'text';
