// The control socket as a stream of bytes.
//
// What Node's sockets are made of does all that is needed. Loading `net` takes as long as the rest of the bootstrap.
'use strict';

const { binding } = require('./bindings.cjs');

/** Without a server there is nothing left to do. */
const LOST = 1;

/** Opens a descriptor; whatever comes is passed to `onData`. */
function open(fd, onData) {
  let parts;
  try {
    parts = { ...binding('pipe_wrap'), ...binding('stream_wrap') };
  } catch {
    return openWithNet(fd, onData);
  }
  return new Socket(parts, fd, onData);
}

class Socket {
  #handle;
  #WriteWrap;
  /** What Node tells of the latest call. */
  #state;
  #places;

  constructor({ Pipe, constants, WriteWrap, streamBaseState, ...places }, fd, onData) {
    this.#WriteWrap = WriteWrap;
    this.#state = streamBaseState;
    this.#places = places;
    this.#handle = new Pipe(constants.SOCKET);
    check(this.#handle.open(fd));
    this.#handle.onread = (buffer) => {
      const length = this.#state[places.kReadBytesOrError];
      check(length);
      if (length > 0) {
        onData(Buffer.from(buffer, this.#state[places.kArrayBufferOffset], length));
      }
    };
    check(this.#handle.readStart());
  }

  /** `onSent` is called, later, when the bytes have left. */
  write(bytes, onSent) {
    const request = new this.#WriteWrap();
    check(this.#handle.writeBuffer(request, bytes));
    if (this.#state[this.#places.kLastWriteWasAsync]) {
      // Node takes the bytes from here.
      request.bytes = bytes;
      request.oncomplete = (status) => {
        check(status);
        onSent?.();
      };
    } else if (onSent) {
      process.nextTick(onSent);
    }
  }

  /** From now on the process waits for what comes. */
  ref() {
    this.#handle.ref();
  }

  unref() {
    this.#handle.unref();
  }
}

/** Ends the process after an error, which is a number below zero, and so is the end. */
function check(status) {
  if (status < 0) {
    process.exit(LOST);
  }
}

function openWithNet(fd, onData) {
  const { Socket: NetSocket } = require('node:net');
  const socket = new NetSocket({ fd, readable: true, writable: true });
  socket.on('data', onData);
  socket.on('error', () => process.exit(LOST));
  socket.on('close', () => process.exit(LOST));
  return socket;
}

module.exports = { open };
