// One invocation of a handler that streams its response.
'use strict';

const { Call } = require('./call.cjs');
const { describe } = require('./errors.cjs');
const { logError } = require('./log.cjs');
const { ResponseStream } = require('./response.cjs');
const { HIGH_WATER_MARK } = require('./streaming.cjs');

class StreamedInvocation extends Call {
  #stream;

  async run(handler, event) {
    this.begin();
    this.#stream = new ResponseStream(this.channel, this.request, handler[HIGH_WATER_MARK]);
    const closed = whenClosed(this.#stream);
    try {
      const promise = handler(JSON.parse(event), this.#stream, this.context());
      if (typeof promise?.then !== 'function') {
        throw 'Streaming does not support non-async handlers.';
      }
      if ((await promise) !== undefined) {
        console.warn('Streaming handlers ignore return values.');
      }
      await closed;
      this.#settle();
    } catch (error) {
      logError('Invoke Error', error);
      this.#fail(error, closed);
    }
  }

  /** The event loop is empty. */
  onIdle() {
    this.finish(() => this.channel.done(this.request));
  }

  /** A response that was ended stays complete, as on AWS. What was written before reaches the caller in any case. */
  async #fail(error, closed) {
    if (this.#stream.writableEnded) {
      await closed.catch(() => {});
    }
    if (this.#stream.isComplete) {
      this.#settle();
    } else {
      this.#stream.fail(() => this.finish(() => this.channel.error(this.request, describe(error))));
    }
  }

  /** What the handler left behind may go on before the next invocation, unless it said otherwise. */
  #settle() {
    if (this.waitsForEmptyEventLoop) {
      this.channel.unref();
    } else {
      this.onIdle();
    }
  }
}

/** Fulfilled when the stream has handed over everything up to its end, rejected when it never will. */
function whenClosed(stream) {
  const closed = new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.on('close', () => {
      if (stream.writableFinished) {
        resolve();
      } else {
        reject('Response stream is not finished.');
      }
    });
  });
  // Whoever waits learns of it; nobody waits where the handler itself has failed.
  closed.catch(() => {});
  return closed;
}

module.exports = { StreamedInvocation };
