exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.end('complete');
  await new Promise((resolve) => setTimeout(resolve, 5));
  throw new Error('too late');
});
