exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('some');
  await new Promise((resolve) => setTimeout(resolve, 5));
  setTimeout(() => {
    throw new Error('nobody listens');
  });
  await new Promise(() => {});
});
