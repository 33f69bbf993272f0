// The life of an environment: it says hello to the server on the control socket, is claimed for one function, loads the
// handler and then runs one invocation after the other.
//
// Each environment is a process of its own, so nothing random was drawn before the claim that another environment could
// share.
'use strict';

const { Channel } = require('./channel.cjs');
const { describe, runtimeError, UNCAUGHT, UNHANDLED } = require('./errors.cjs');
const { applyEnvironment, loadHandler } = require('./handler.cjs');
const { Invocation } = require('./invocation.cjs');
const { logError, patchConsole, setUpLogging } = require('./log.cjs');
const { installGlobal, isStreaming } = require('./streaming.cjs');

/** Exit status when a module waits for something that will never come, as Node's own. */
const UNSETTLED_AWAIT = 13;

/** Node's own: a function's module may put another in its place. */
const nextTurn = setImmediate;

class Environment {
  #channel;
  #claiming = false;
  #handler;
  /** How the handler's invocations run: their class. */
  #Kind;
  /** The latest invocation; finished ones ignore what they are told. */
  #invocation;

  /** Takes the channel that this environment hears of its claim and its invocations on. */
  attend(channel) {
    this.#channel = channel;
  }

  async onClaim(claim) {
    this.#claiming = true;
    applyEnvironment(claim.environment, claim.taskRoot);
    setUpLogging(process.env);
    installGlobal();
    this.#channel.unref();
    try {
      this.#handler = await loadHandler(claim.taskRoot, claim.handler);
      // Node reports rejections that the code left unhandled at the end of this turn of the event loop.
      await new Promise(nextTurn);
      this.#Kind = kindFor(this.#handler);
    } catch (error) {
      logError('Uncaught Exception', error);
      this.abandon(error, UNCAUGHT);
      return;
    }
    this.#claiming = false;
    this.#channel.claimed();
  }

  onInvoke(request, meta, event) {
    this.#invocation = new this.#Kind(this.#channel, request, meta);
    this.#invocation.run(this.#handler, event);
  }

  /** Nothing is left to wait for but the server. */
  onIdle() {
    if (this.#claiming) {
      process.exit(UNSETTLED_AWAIT);
    }
    this.#invocation?.onIdle();
  }

  /** Tells the server why neither the init nor the invocation can go on, and exits. */
  abandon(error, status) {
    const exit = () => process.exit(status);
    if (this.#claiming) {
      this.#claiming = false;
      this.#channel.claimed(describe(error), exit);
    } else if (this.#invocation) {
      this.#invocation.abandon(error, exit);
    } else {
      exit();
    }
  }
}

/** How invocations of a handler run. Streams are loaded for those only that need them. */
function kindFor(handler) {
  return isStreaming(handler) ? require('./streamed.cjs').StreamedInvocation : Invocation;
}

/** The environment that this process is. */
class Own extends Environment {
  #channel;
  #rehearsed = false;

  attend(channel) {
    super.attend(channel);
    this.#channel = channel;
  }

  /** The server pings an environment that it keeps ready: there is time to rehearse. */
  async onPing(payload) {
    if (!this.#rehearsed) {
      this.#rehearsed = true;
      await require('./rehearsal.cjs').rehearse(new Environment());
    }
    this.#channel.pong(payload);
  }
}

function serve(control) {
  const own = new Own();
  const channel = Channel.open(control, own);
  own.attend(channel);
  process.on('uncaughtException', (error) => {
    logError('Uncaught Exception', error);
    own.abandon(error, UNCAUGHT);
  });
  process.on('unhandledRejection', (reason, promise) => {
    const error = Object.assign(runtimeError('UnhandledPromiseRejection', reason), { reason, promise });
    logError('Unhandled Promise Rejection', error);
    own.abandon(error, UNHANDLED);
  });
  process.on('beforeExit', () => own.onIdle());
  patchConsole();
  channel.hello();
}

module.exports = { serve };
