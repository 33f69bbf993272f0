// One invocation: the handler's three ways to answer, and its context.
'use strict';

const { describeInvocation, setTrace } = require('./context.cjs');
const { describe } = require('./errors.cjs');
const { logError, setRequestId } = require('./log.cjs');

class Invocation {
  /** Number of the invocation on the channel. */
  #request;
  #channel;
  #meta;
  #finished = false;
  /** Whether the handler has answered. Later answers are ignored, as on AWS. */
  #answered = false;
  #waitsForEmptyEventLoop = true;
  #result = null;

  constructor(channel, request, meta) {
    this.#channel = channel;
    this.#request = request;
    this.#meta = meta;
  }

  run(handler, event) {
    setRequestId(this.#meta.requestId);
    setTrace(this.#meta.traceId);
    this.#channel.unref();
    try {
      const promise = handler(JSON.parse(event), this.#context(), (error, result) => {
        this.#callback(error, result);
      });
      if (typeof promise?.then === 'function') {
        promise.then((result) => this.#succeed(result), (error) => this.#fail(error));
      }
    } catch (error) {
      this.#callback(error);
    }
  }

  /** The event loop is empty: nothing but the next invocation could make anything happen. */
  onIdle() {
    this.#answered = true;
    this.#finish(this.#result);
  }

  /** The process cannot go on: tells the caller why, if the caller still waits. */
  abandon(error, onSent) {
    if (this.#finished) {
      onSent();
    } else {
      this.#finished = true;
      this.#channel.error(this.#request, describe(error), onSent);
    }
  }

  #callback(error, result) {
    if (error !== undefined && error !== null) {
      this.#fail(error);
    } else if (!this.#waitsForEmptyEventLoop) {
      this.#succeed(result);
    } else if (!this.#answered) {
      this.#answered = true;
      this.#result = result;
    }
  }

  #succeed(result) {
    if (!this.#answered) {
      this.#answered = true;
      this.#finish(result);
    }
  }

  #fail(error) {
    if (!this.#answered) {
      this.#answered = true;
      this.#finishWithError(error ?? 'handled');
    }
  }

  #finish(result) {
    if (this.#finished) {
      return;
    }
    let text;
    try {
      text = toJson(result);
    } catch (error) {
      this.#finishWithError(error);
      return;
    }
    this.#finished = true;
    this.#channel.respond(this.#request, text);
  }

  #finishWithError(error) {
    logError('Invoke Error', error);
    this.#finished = true;
    this.#channel.error(this.#request, describe(error));
  }

  #context() {
    const invocation = this;
    return {
      get callbackWaitsForEmptyEventLoop() {
        return invocation.#waitsForEmptyEventLoop;
      },
      set callbackWaitsForEmptyEventLoop(waits) {
        invocation.#waitsForEmptyEventLoop = waits;
      },
      succeed: (result) => this.#succeed(result),
      fail: (error) => this.#fail(error),
      done: (error, result) => (error === undefined || error === null ? this.#succeed(result) : this.#fail(error)),
      ...describeInvocation(this.#meta),
    };
  }
}

/** The response to a result. Errors are those of AWS's client (source: npm aws-lambda-ric 3.3.0). */
function toJson(result) {
  let text;
  try {
    text = JSON.stringify(result === undefined ? null : result);
  } catch {
    throw new Error('Unable to stringify response body');
  }
  if (text === undefined) {
    // Functions and symbols have no JSON.
    throw new TypeError('Wrong arguments');
  }
  return text;
}

module.exports = { Invocation };
