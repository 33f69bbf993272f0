// More than a pipe holds, after process.stdout has made the pipe non-blocking.
exports.handler = async () => {
  process.stdout.write('begin\n');
  for (let number = 0; number < 5_000; number += 1) {
    console.log('x'.repeat(200));
  }
  console.log('end');
};
