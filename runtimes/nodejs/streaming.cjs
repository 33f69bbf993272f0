// What functions that stream their responses work with: the global `awslambda` and the stream itself.
// Names, symbols and errors are those of AWS's runtime (source: npm aws-lambda-ric 3.3.0).
'use strict';

const { Writable } = require('node:stream');

const { runtimeError } = require('./errors.cjs');

/** Marks a handler that streams. Tools that wrap handlers carry it over. */
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const RESPONSE = 'response';

const BYTES = 'application/octet-stream';
const HTTP_INTEGRATION = 'application/vnd.awslambda.http-integration-response';
/** Between status and headers, as JSON, and the body. */
const DELIMITER = Buffer.alloc(8);
/** What the platform takes as a content type. */
const CONTENT_TYPE = /^[\x20-\x7e]{1,1024}$/;

/** Gives functions the global `awslambda`, unless their configuration says that they bring their own. */
function installGlobal() {
  if (!['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) {
    globalThis.awslambda = { streamifyResponse, HttpResponseStream };
  }
}

function streamifyResponse(handler, options) {
  handler[STREAMING] = RESPONSE;
  if (typeof options?.highWaterMark === 'number') {
    handler[HIGH_WATER_MARK] = parseInt(options.highWaterMark, 10);
  }
  return handler;
}

class HttpResponseStream {
  /** Lets a response begin with status, headers and cookies for whoever answers an HTTP request with it. */
  static from(stream, metadata) {
    stream.setContentType(HTTP_INTEGRATION);
    const prelude = JSON.stringify(metadata);
    stream._onBeforeFirstWrite = (write) => {
      write(prelude);
      write(DELIMITER);
    };
    return stream;
  }
}

/** Whether a handler streams its response. */
function isStreaming(handler) {
  const mark = handler[STREAMING];
  if (mark === undefined || mark === null || mark === false) {
    return false;
  }
  if (mark !== RESPONSE) {
    throw runtimeError('MalformedStreamingHandler', 'Only response streaming is supported.');
  }
  return true;
}

/**
 * A response on its way to the server. It drains as fast as the server grants credit, which is as fast as the client
 * reads.
 */
class ResponseStream extends Writable {
  #channel;
  #request;
  #contentType = BYTES;
  #begun = false;
  #announced = false;
  #complete = false;
  /** Told instead of the end when the invocation has failed. */
  #onFailure;

  /** `highWaterMark`: bytes that may wait before writes ask for patience; Node's own measure if it is undefined. */
  constructor(channel, request, highWaterMark) {
    super({ highWaterMark });
    this.#channel = channel;
    this.#request = request;
  }

  setContentType(contentType) {
    if (this.#begun) {
      throw runtimeError('InvalidStreamingOperation', 'Cannot set content-type, too late.');
    }
    if (!CONTENT_TYPE.test(contentType)) {
      throw invalidContentType();
    }
    this.#contentType = String(contentType);
  }

  /** Takes text and bytes, and writes anything else as JSON. */
  write(chunk, encoding, callback) {
    this.#begin();
    return super.write(isData(chunk) ? chunk : JSON.stringify(chunk), encoding, callback);
  }

  end(chunk, encoding, callback) {
    if (typeof chunk === 'function') {
      return this.end(undefined, undefined, chunk);
    }
    if (typeof encoding === 'function') {
      return this.end(chunk, undefined, encoding);
    }
    if (chunk !== undefined && chunk !== null) {
      this.write(chunk, encoding);
    } else if (!this.writableEnded && !this.destroyed) {
      this.#begin();
    }
    return super.end(callback);
  }

  /** Whether the response has been handed over with its end. */
  get isComplete() {
    return this.#complete;
  }

  /** Lets go what was written, but not as a complete response. */
  fail(onFlushed) {
    if (this.destroyed) {
      onFlushed();
    } else {
      this.#onFailure = onFlushed;
      super.end();
    }
  }

  _write(chunk, encoding, callback) {
    this.#announce();
    this.#channel.write(chunk, callback);
  }

  _writev(chunks, callback) {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), undefined, callback);
  }

  _final(callback) {
    if (this.#onFailure) {
      this.#onFailure();
    } else {
      this.#announce();
      this.#complete = true;
      this.#channel.end(this.#request);
    }
    callback();
  }

  #begin() {
    if (!this.#begun) {
      this.#begun = true;
      this._onBeforeFirstWrite?.((data) => super.write(data));
    }
  }

  #announce() {
    if (!this.#announced) {
      this.#announced = true;
      this.#channel.stream(this.#request, this.#contentType);
    }
  }
}

/** What Node says of the headers of a request. */
function invalidContentType() {
  const code = 'ERR_INVALID_CHAR';
  const error = new TypeError('Invalid character in header content ["Content-Type"]');
  error.stack = error.stack.replace(error.name, `${error.name} [${code}]`);
  return Object.assign(error, { code });
}

/** What goes as it is. Node says what is wrong with null. */
function isData(chunk) {
  return typeof chunk === 'string' || chunk instanceof Uint8Array || chunk === null;
}

module.exports = { HIGH_WATER_MARK, ResponseStream, installGlobal, isStreaming };
