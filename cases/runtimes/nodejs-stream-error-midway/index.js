exports.handler = awslambda.streamifyResponse(async (size, stream) => {
  stream.write('x'.repeat(size));
  throw new RangeError('half way');
});
