exports.handler = awslambda.streamifyResponse((event, stream) => {
  stream.write('some');
  setTimeout(() => stream.end('too late'), 5);
});
