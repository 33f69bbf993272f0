exports.handler = awslambda.streamifyResponse(async () => {
  throw new RangeError('not today');
});
