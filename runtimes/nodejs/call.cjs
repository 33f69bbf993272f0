// What every invocation has, whichever way its handler answers.
'use strict';

const { describeInvocation } = require('./context.cjs');
const { describe } = require('./errors.cjs');
const { setRequestId } = require('./log.cjs');
const { setTrace } = require('./trace.cjs');

class Call {
  #channel;
  /** Number of the invocation on the channel. */
  #request;
  #meta;
  #finished = false;
  #waitsForEmptyEventLoop = true;

  constructor(channel, request, meta) {
    this.#channel = channel;
    this.#request = request;
    this.#meta = meta;
  }

  get channel() {
    return this.#channel;
  }

  get request() {
    return this.#request;
  }

  /** Whether what the handler left behind may go on before the next invocation. */
  get waitsForEmptyEventLoop() {
    return this.#waitsForEmptyEventLoop;
  }

  /** From now on this is the invocation that runs. */
  begin() {
    setRequestId(this.#meta.requestId);
    setTrace(this.#meta.traceId);
  }

  /** Sends the last of the invocation, unless it was sent. */
  finish(send) {
    if (!this.#finished) {
      this.#finished = true;
      send();
    }
  }

  /** The process cannot go on: tells the caller why, if the caller still waits. */
  abandon(error, onSent) {
    if (this.#finished) {
      onSent();
    } else {
      this.finish(() => this.#channel.error(this.#request, describe(error), onSent));
    }
  }

  /** The handler's context, with `methods` that only some handlers have. */
  context(methods) {
    const call = this;
    return {
      get callbackWaitsForEmptyEventLoop() {
        return call.#waitsForEmptyEventLoop;
      },
      set callbackWaitsForEmptyEventLoop(waits) {
        call.#waitsForEmptyEventLoop = waits;
      },
      ...methods,
      ...describeInvocation(this.#meta),
    };
  }
}

module.exports = { Call };
