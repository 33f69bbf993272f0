exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  await new Promise((resolve) => stream.end('early', resolve));
  await new Promise((resolve) => setTimeout(resolve, 20));
  console.log('still here');
});
