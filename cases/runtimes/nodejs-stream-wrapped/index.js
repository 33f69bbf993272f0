const streaming = Symbol.for('aws.lambda.runtime.handler.streaming');
const inner = awslambda.streamifyResponse(async (event, stream) => stream.end(`inner ${event}`));
const wrapped = (...parameters) => inner(...parameters).then(() => {});

wrapped[streaming] = inner[streaming];
exports.handler = wrapped;
