exports.handler = awslambda.streamifyResponse(async (how, stream) => {
  if (how === 'late') {
    stream.write('some');
    stream.setContentType('text/plain');
  } else {
    stream.setContentType('text/plain\r\nx-injected: 1');
  }
});
