// The function's log: `console` methods write one event each, whatever it contains.
'use strict';

const fs = require('node:fs');
const util = require('node:util');

const { format, serializable, toError } = require('./errors.cjs');

const OUTPUT = 1;
const HEADER_BYTES = 16;
/** Largest event of a log, in bytes. A longer one is written as several. */
const MAX_EVENT = 1024 * 1024;

/** Types of frames; the level stands in bits 2 to 4. */
const TEXT_FRAME = 0xa55a0003;
const JSON_FRAME = 0xa55a0002;

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const METHODS = {
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
let json = false;
/** Place in `LEVELS` of the lowest level that is written. */
let threshold = 0;

function setRequestId(id) {
  requestId = id;
}

/** Takes format and level from the function's variables, which are known from the claim on. */
function setUpLogging(variables) {
  json = variables.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
  threshold = Math.max(LEVELS.indexOf(variables.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()), 0);
}

function patchConsole() {
  for (const [method, level] of Object.entries(METHODS)) {
    console[method] = (message, ...parameters) => log(level, message, ...parameters);
  }
}

function log(level, message, ...parameters) {
  const priority = LEVELS.indexOf(level);
  if (priority < threshold) {
    return;
  }
  const now = new Date();
  const bits = (priority + 1) << 2;
  if (json) {
    writeEvent(JSON_FRAME | bits, record(now, level, [message, ...parameters]), now);
  } else {
    const text = util.format(message, ...parameters);
    writeEvent(TEXT_FRAME | bits, `${now.toISOString()}\t${requestId}\t${level}\t${text}\n`, now);
  }
}

/** Writes an error that ends an init or an invocation. */
function logError(title, error) {
  if (json) {
    log('ERROR', toError(error));
  } else {
    log('ERROR', title, format(error));
  }
}

/** A line of the JSON format. One parameter stays what it is; several become a text. */
function record(now, level, parameters) {
  const line = { timestamp: now.toISOString(), level, requestId };
  if (parameters.length === 1) {
    try {
      return JSON.stringify({ ...line, message: parameters[0] }, (_, value) => serializable(value));
    } catch {
      return JSON.stringify({ ...line, message: util.format(parameters[0]) });
    }
  }
  line.message = util.format(...parameters);
  const error = parameters.find((parameter) => parameter instanceof Error);
  if (error) {
    const { errorType, errorMessage, stackTrace } = serializable(error);
    Object.assign(line, { errorType, errorMessage, stackTrace });
  }
  return JSON.stringify(line);
}

function writeEvent(type, text, now) {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    const part = rest.subarray(0, cut(rest));
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    // Bit operations have made it a negative number.
    header.writeInt32BE(type, 0);
    header.writeUInt32BE(part.length, 4);
    header.writeBigUInt64BE(BigInt(now.valueOf()) * 1000n, 8);
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

module.exports = { logError, patchConsole, setRequestId, setUpLogging };
