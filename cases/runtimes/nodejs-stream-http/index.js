const metadata = { statusCode: 201, headers: { 'x-custom': 'yes' }, cookies: ['a=b'] };

exports.handler = awslambda.streamifyResponse(async (how, stream) => {
  const response = awslambda.HttpResponseStream.from(stream, metadata);
  if (how === 'write') {
    response.write('one ');
    response.write('two');
  }
  if (how === 'end') {
    response.end('at once');
  } else {
    response.end();
  }
});
