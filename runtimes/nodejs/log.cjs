// The function's log: `console` methods write one event each, whatever it contains.
'use strict';

const fs = require('node:fs');
const util = require('node:util');

const OUTPUT = 1;
const FRAME_TYPE = 0xa55a0003;
const HEADER_BYTES = 16;
/** Largest event of a log, in bytes. A longer one is written as several. */
const MAX_EVENT = 1024 * 1024;

const LEVELS = {
  trace: 'TRACE',
  debug: 'DEBUG',
  info: 'INFO',
  log: 'INFO',
  warn: 'WARN',
  error: 'ERROR',
  fatal: 'FATAL',
};

/** The invocation that runs, for its lines; none during init. */
let requestId;

function setRequestId(id) {
  requestId = id;
}

function patchConsole() {
  for (const [method, level] of Object.entries(LEVELS)) {
    console[method] = (message, ...parameters) => log(level, message, ...parameters);
  }
}

function log(level, message, ...parameters) {
  const now = new Date();
  const text = util.format(message, ...parameters);
  writeEvent(`${now.toISOString()}\t${requestId}\t${level}\t${text}\n`, now.valueOf());
}

function writeEvent(text, millis) {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    const part = rest.subarray(0, cut(rest));
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUInt32BE(FRAME_TYPE, 0);
    header.writeUInt32BE(part.length, 4);
    header.writeBigUInt64BE(BigInt(millis) * 1000n, 8);
    // One write, so that what child processes print cannot come between header and text.
    writeAll(Buffer.concat([header, part]));
    rest = rest.subarray(part.length);
  }
}

/** Where an event must end: at its end, or between two characters. */
function cut(bytes) {
  let end = Math.min(bytes.length, MAX_EVENT);
  while (end < bytes.length && (bytes[end] & 0b1100_0000) === 0b1000_0000) {
    end -= 1;
  }
  return end;
}

function writeAll(bytes) {
  let rest = bytes;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(OUTPUT, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') {
        throw error;
      }
      // Code that used process.stdout has made the pipe non-blocking, and it is full.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

module.exports = { log, patchConsole, setRequestId };
