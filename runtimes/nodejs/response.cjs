// The stream that functions write their responses to. Errors are those of AWS's runtime (source: npm aws-lambda-ric 3.3.0).
'use strict';

const { Writable } = require('node:stream');

const { runtimeError } = require('./errors.cjs');

const BYTES = 'application/octet-stream';
/** What the platform takes as a content type. */
const CONTENT_TYPE = /^[\x20-\x7e]{1,1024}$/;

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

module.exports = { ResponseStream };
