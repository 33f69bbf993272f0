const handler = async () => {};
handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'request';
exports.handler = handler;
