exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.write(`${context.awsRequestId} `);
  stream.write(Buffer.from('bytes '));
  stream.write({ json: event });
  await new Promise((resolve) => setTimeout(resolve, 5));
  stream.end(' end');
});
