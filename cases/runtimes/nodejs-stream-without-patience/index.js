exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  for (let count = 0; count < 80; count += 1) {
    stream.write(Buffer.alloc(100_000, 'x'));
  }
  stream.end();
});
