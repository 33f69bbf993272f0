// Frames on the control socket. The server's side and the layout: `frames` of hearth-runtime.
'use strict';

const { open } = require('./socket.cjs');

const VERSION = 2;
const HEADER_BYTES = 16;
/** What the upper half of a request's number counts. Numbers are exact here up to 2 ** 53, and quicker than a BigInt. */
const WORD = 2 ** 32;
const MAX_PAYLOAD = 256 * 1024;
const INITIAL_CREDIT = 1024 * 1024;

const HELLO = 1;
const PING = 2;
const CLAIM = 3;
const CLAIMED = 4;
const INVOKE = 5;
const CHUNK = 6;
const END = 7;
const ERROR = 8;
const CREDIT = 9;
const STREAM = 10;
const DONE = 11;

const NOTHING = Buffer.alloc(0);
/** Payloads from this size on, in bytes, are not copied to stand beside their header. */
const LARGE = 16 * 1024;

/** Largest response of an invocation, in bytes. */
const MAX_RESPONSE = 6_291_556;
/** Characters of an error message that are kept when the error does not fit into a frame. */
const KEPT_MESSAGE = 16 * 1024;

class Channel {
  #socket;
  #listener;
  /** The frame of which more is to come: `{ bytes, filled }`. Before its header is complete `bytes` has room for no more. */
  #begun;
  /** The event that is arriving: `{ request, meta, chunks, kept, ungranted }`. Chunks from `kept` on lie where reads land. */
  #incoming;
  /**
   * The response that is on its way: `{ request, rest, credit, whole, onTaken }`. `rest` waits for credit. When all of
   * it was sent, a whole response ends; of a streamed one, `onTaken` is called for the next piece.
   */
  #outgoing;

  /**
   * @param {object} listener is told `onPing(payload)`, `onClaim(claim)`, `onInvoke(request, meta, event)`
   * @param {function} connect makes the socket, which passes on what comes
   */
  constructor(listener, connect) {
    this.#listener = listener;
    this.#socket = connect((bytes) => this.#onData(bytes));
  }

  /** A channel over the socket with this descriptor. */
  static open(fd, listener) {
    return new Channel(listener, (onData) => open(fd, onData));
  }

  hello() {
    const hello = { runtime: 'nodejs', version: process.versions.node, pid: process.pid };
    this.#send(HELLO, 0, Buffer.from(JSON.stringify(hello)));
  }

  pong(payload) {
    this.#send(PING, 0, payload);
  }

  /** The handler is loaded, or why it is not. */
  claimed(error, onSent) {
    this.#socket.ref();
    this.#send(CLAIMED, 0, error ? encodeError(error) : NOTHING, onSent);
  }

  /** Lets Node notice when user code has nothing left to wait for, until something is sent. */
  unref() {
    this.#socket.unref();
  }

  /** Ends an invocation with a response: JSON text. */
  respond(request, text) {
    this.#socket.ref();
    const length = Buffer.byteLength(text);
    if (length > MAX_RESPONSE) {
      this.error(request, {
        errorMessage: `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE} bytes).`,
        errorType: 'Function.ResponseSizeTooLarge',
      });
    } else if (length <= MAX_PAYLOAD) {
      this.#respondAtOnce(request, text, length);
    } else {
      this.#outgoing = { request, rest: Buffer.from(text), credit: INITIAL_CREDIT, whole: true };
      this.#sendChunks();
    }
  }

  /** Begins a streamed response. */
  stream(request, contentType) {
    this.#outgoing = { request, rest: NOTHING, credit: INITIAL_CREDIT };
    this.#send(STREAM, request, Buffer.from(contentType));
  }

  /** Sends the next piece of a streamed response as far as credit reaches. */
  write(bytes, onTaken) {
    if (bytes.length === 0) {
      onTaken();
      return;
    }
    Object.assign(this.#outgoing, { rest: bytes, onTaken });
    this.#sendChunks();
  }

  /** Ends a response that was sent in pieces. */
  end(request) {
    this.#outgoing = undefined;
    this.#socket.ref();
    this.#send(END, request, NOTHING);
  }

  /** The invocation of a streamed response is over. */
  done(request) {
    this.#socket.ref();
    this.#send(DONE, request, NOTHING);
  }

  /** Ends an invocation with an error: `{ errorType, errorMessage, … }`. */
  error(request, error, onSent) {
    this.#outgoing = undefined;
    this.#socket.ref();
    this.#send(ERROR, request, encodeError(error), onSent);
  }

  /** The usual case, chunk and end in one write. */
  #respondAtOnce(request, text, length) {
    const bytes = Buffer.allocUnsafe(2 * HEADER_BYTES + length);
    putHeader(bytes, 0, CHUNK, length, request);
    bytes.write(text, HEADER_BYTES);
    putHeader(bytes, HEADER_BYTES + length, END, 0, request);
    this.#socket.write(bytes);
  }

  #sendChunks() {
    const body = this.#outgoing;
    while (body.rest.length > 0 && body.credit > 0) {
      const chunk = body.rest.subarray(0, Math.min(MAX_PAYLOAD, body.credit));
      body.rest = body.rest.subarray(chunk.length);
      body.credit -= chunk.length;
      this.#send(CHUNK, body.request, chunk, body.rest.length > 0 ? undefined : body.onTaken);
    }
    if (body.whole && body.rest.length === 0) {
      this.end(body.request);
    }
  }

  #send(kind, request, payload, onSent) {
    if (payload.length < LARGE) {
      this.#socket.write(frame(kind, request, payload), onSent);
    } else {
      const header = Buffer.allocUnsafe(HEADER_BYTES);
      putHeader(header, 0, kind, payload.length, request);
      this.#socket.write(header);
      this.#socket.write(payload, onSent);
    }
  }

  /** Takes what was read, which is overwritten by the next read. */
  #onData(read) {
    let at = this.#begun ? this.#goOn(read) : 0;
    while (read.length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + read.readUInt32BE(at + 4);
      if (end > read.length) {
        break;
      }
      this.#onFrame(read, at, end);
      at = end;
    }
    if (at < read.length) {
      this.#begin(read, at);
    }
    if (this.#incoming) {
      this.#keepChunks();
    }
  }

  /** Keeps the beginning of a frame. */
  #begin(read, at) {
    const payload = read.length - at >= HEADER_BYTES ? read.readUInt32BE(at + 4) : 0;
    const bytes = Buffer.allocUnsafe(HEADER_BYTES + payload);
    this.#begun = { bytes, filled: read.copy(bytes, 0, at) };
  }

  /** Goes on with the frame that has begun. Returns where it ends in what was read. */
  #goOn(read) {
    const begun = this.#begun;
    let at = 0;
    if (begun.filled < HEADER_BYTES) {
      at = fill(begun, read, at);
      if (begun.filled < HEADER_BYTES) {
        return at;
      }
      const header = begun.bytes;
      begun.bytes = Buffer.allocUnsafe(HEADER_BYTES + header.readUInt32BE(4));
      header.copy(begun.bytes);
    }
    at = fill(begun, read, at);
    if (begun.filled === begun.bytes.length) {
      this.#begun = undefined;
      this.#onFrame(begun.bytes, 0, begun.bytes.length);
      if (this.#incoming) {
        this.#incoming.kept = this.#incoming.chunks.length;
      }
    }
    return at;
  }

  /** Moves chunks away from where the next read lands. */
  #keepChunks() {
    const { chunks, kept } = this.#incoming;
    for (let i = kept; i < chunks.length; i += 1) {
      chunks[i] = Buffer.from(chunks[i]);
    }
    this.#incoming.kept = chunks.length;
  }

  /** Takes the frame between two places. */
  #onFrame(bytes, at, end) {
    const payload = bytes.subarray(at + HEADER_BYTES, end);
    switch (bytes[at + 1]) {
      case PING:
        this.#listener.onPing(Buffer.from(payload));
        break;
      case CLAIM:
        this.#listener.onClaim(JSON.parse(payload.toString()));
        break;
      case INVOKE: {
        const request = bytes.readUInt32BE(at + 8) * WORD + bytes.readUInt32BE(at + 12);
        this.#incoming = { request, meta: JSON.parse(payload.toString()), chunks: [], kept: 0, ungranted: 0 };
        break;
      }
      case CHUNK:
        this.#onChunk(payload);
        break;
      case END:
        this.#onEnd();
        break;
      case CREDIT:
        this.#onCredit(payload.readUInt32BE(0));
        break;
    }
  }

  #onChunk(payload) {
    const body = this.#incoming;
    body.chunks.push(payload);
    body.ungranted += payload.length;
    if (body.ungranted >= INITIAL_CREDIT / 2) {
      const credit = Buffer.allocUnsafe(4);
      credit.writeUInt32BE(body.ungranted);
      this.#send(CREDIT, body.request, credit);
      body.ungranted = 0;
    }
  }

  #onEnd() {
    const { request, meta, chunks } = this.#incoming;
    this.#incoming = undefined;
    const event = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    this.#listener.onInvoke(request, meta, event.toString());
  }

  #onCredit(bytes) {
    if (this.#outgoing) {
      this.#outgoing.credit += bytes;
      this.#sendChunks();
    }
  }
}

function frame(kind, request, payload) {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  putHeader(bytes, 0, kind, payload.length, request);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** Fills a frame that has begun with what was read from a place on. Returns the place behind. */
function fill(begun, read, at) {
  const missing = begun.bytes.length - begun.filled;
  const taken = read.copy(begun.bytes, begun.filled, at, Math.min(read.length, at + missing));
  begun.filled += taken;
  return at + taken;
}

function putHeader(bytes, at, kind, length, request) {
  bytes[at] = VERSION;
  bytes[at + 1] = kind;
  bytes[at + 2] = 0;
  bytes[at + 3] = 0;
  bytes.writeUInt32BE(length, at + 4);
  bytes.writeUInt32BE(Math.floor(request / WORD), at + 8);
  bytes.writeUInt32BE(request % WORD, at + 12);
}

/** u16 length of the type, the type, the JSON of the error. */
function encodeError(error) {
  const type = Buffer.from(String(error.errorType).slice(0, 256));
  let body = Buffer.from(JSON.stringify(error));
  if (2 + type.length + body.length > MAX_PAYLOAD) {
    const errorMessage = String(error.errorMessage).slice(0, KEPT_MESSAGE);
    body = Buffer.from(JSON.stringify({ errorType: type.toString(), errorMessage, trace: [] }));
  }
  const length = Buffer.from([type.length >> 8, type.length & 0xff]);
  return Buffer.concat([length, type, body]);
}

module.exports = { CHUNK, CLAIM, Channel, END, INVOKE, frame };
