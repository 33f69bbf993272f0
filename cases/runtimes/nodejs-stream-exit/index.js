exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  await new Promise((resolve) => stream.write('some', resolve));
  process.exit(3);
});
