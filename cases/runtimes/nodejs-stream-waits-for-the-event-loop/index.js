let ticks = 0;

exports.handler = awslambda.streamifyResponse(async (waits, stream, context) => {
  context.callbackWaitsForEmptyEventLoop = waits;
  stream.end(`${ticks} ${typeof context.succeed}`);
  setTimeout(() => (ticks += 1), waits ? 20 : 5000);
});
