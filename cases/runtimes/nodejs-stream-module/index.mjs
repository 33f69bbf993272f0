export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType('text/event-stream');
  stream.write('data: one\n\n');
  stream.end('data: two\n\n');
});
