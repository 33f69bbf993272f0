// One invocation: the handler's three ways to answer.
'use strict';

const { Call } = require('./call.cjs');
const { describe } = require('./errors.cjs');
const { logError } = require('./log.cjs');

class Invocation extends Call {
  /** Whether the handler has answered. Later answers are ignored, as on AWS. */
  #answered = false;
  #result = null;

  run(handler, event) {
    this.begin();
    this.channel.unref();
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

  #callback(error, result) {
    if (error !== undefined && error !== null) {
      this.#fail(error);
    } else if (!this.waitsForEmptyEventLoop) {
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
    this.finish(() => {
      let text;
      try {
        text = toJson(result);
      } catch (error) {
        this.#sendError(error);
        return;
      }
      this.channel.respond(this.request, text);
    });
  }

  #finishWithError(error) {
    this.finish(() => this.#sendError(error));
  }

  #sendError(error) {
    logError('Invoke Error', error);
    this.channel.error(this.request, describe(error));
  }

  #context() {
    return this.context({
      succeed: (result) => this.#succeed(result),
      fail: (error) => this.#fail(error),
      done: (error, result) => (error === undefined || error === null ? this.#succeed(result) : this.#fail(error)),
    });
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
