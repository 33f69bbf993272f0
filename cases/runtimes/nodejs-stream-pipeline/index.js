const { Readable, Transform } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const zlib = require('node:zlib');

exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const letters = Readable.from(function* () {
    for (let count = 0; count < 50; count += 1) {
      yield String.fromCharCode(97 + (count % 26)).repeat(20_000);
    }
  }());
  const compressed = zlib.gzipSync('x'.repeat(10));
  const upper = new Transform({ transform: (chunk, encoding, done) => done(null, chunk.toString().toUpperCase()) });
  if (compressed.length > 0) {
    await pipeline(letters, upper, stream);
  }
});
