exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('before ');
  await new Promise((resolve) => setTimeout(resolve, 5));
  stream.end();
  stream.write('after');
});
