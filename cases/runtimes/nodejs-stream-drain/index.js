exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const chunk = Buffer.alloc(100_000, 'x');
  let most = 0;
  for (let count = 0; count < 80; count += 1) {
    if (!stream.write(chunk)) {
      most = Math.max(most, stream.writableLength);
      await new Promise((resolve) => stream.once('drain', resolve));
    }
  }
  console.log('waiting at most', most);
  stream.end();
}, { highWaterMark: 1000.5 });
