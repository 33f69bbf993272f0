exports.handler = awslambda.streamifyResponse(async (how, stream) => {
  stream.write('some');
  await new Promise((resolve) => setTimeout(resolve, 5));
  stream.destroy(how === 'error' ? new Error('torn') : undefined);
});
