// Answers every message with what its JSON says.
const socket = require('net').connect(process.argv[2]);
let waiting = Buffer.alloc(0);
socket.on('data', (data) => {
  waiting = waiting.length ? Buffer.concat([waiting, data]) : data;
  while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUInt32LE(0)) {
    const end = 4 + waiting.readUInt32LE(0);
    const body = JSON.stringify(JSON.parse(waiting.toString('utf8', 4, end)));
    waiting = waiting.subarray(end);
    const answer = Buffer.allocUnsafe(4 + Buffer.byteLength(body));
    answer.writeUInt32LE(answer.length - 4, 0);
    answer.write(body, 4);
    socket.write(answer);
  }
});
