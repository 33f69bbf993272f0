// The control socket as a stream of bytes.
//
// What Node's sockets are made of does all that is needed. Loading `net` takes as long as the rest of the bootstrap.
'use strict';

// Node's own: a function may put another in its place.
const { writeSync } = require('node:fs');

const { binding } = require('./bindings.cjs');

/** Without a server there is nothing left to do. */
const LOST = 1;
/** Bytes read at a time. */
const READ_BYTES = 64 * 1024;

/** Opens a descriptor; whatever comes is passed to `onData`, and is overwritten by what comes next. */
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
  #fd;
  #handle;
  #WriteWrap;
  /** What Node tells of the latest call. */
  #state;
  #places;
  /** Writes that wait for room. */
  #waiting = 0;

  constructor({ Pipe, constants, WriteWrap, streamBaseState, ...places }, fd, onData) {
    this.#WriteWrap = WriteWrap;
    this.#state = streamBaseState;
    this.#places = places;
    this.#fd = fd;
    this.#handle = new Pipe(constants.SOCKET);
    check(this.#handle.open(fd));
    // One for all reads: making one for each would take longer than the rest.
    const read = Buffer.allocUnsafeSlow(READ_BYTES);
    this.#handle.useUserBuffer(read);
    this.#handle.onread = () => {
      const length = this.#state[places.kReadBytesOrError];
      check(length);
      if (length > 0) {
        onData(read.subarray(0, length));
      }
    };
    check(this.#handle.readStart());
  }

  /** `onSent` is called, later, when the bytes have left. */
  write(bytes, onSent) {
    const rest = this.#waiting > 0 ? bytes : this.#writeNow(bytes);
    if (rest.length > 0) {
      this.#writeLater(rest, onSent);
    } else if (onSent) {
      process.nextTick(onSent);
    }
  }

  /** Writes as much as there is room for. Returns the rest. */
  #writeNow(bytes) {
    try {
      return bytes.subarray(writeSync(this.#fd, bytes));
    } catch {
      // It is full; or has ended, which comes out next.
      return bytes;
    }
  }

  #writeLater(bytes, onSent) {
    const request = new this.#WriteWrap();
    check(this.#handle.writeBuffer(request, bytes));
    if (this.#state[this.#places.kLastWriteWasAsync]) {
      // Node takes the bytes from here.
      request.bytes = bytes;
      this.#waiting += 1;
      request.oncomplete = (status) => {
        check(status);
        this.#waiting -= 1;
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
