// The Node.js bootstrap: the program an execution environment starts with.
//
// It says hello to the server on the control socket, is claimed for one function, loads the handler and
// then runs one invocation after the other. CommonJS, because Node starts it 4 ms sooner than a module.
// Each environment is a process of its own, so nothing random was drawn before the claim that another
// environment could share.
'use strict';

const { Channel } = require('./channel.cjs');
const { describe, runtimeError, UNCAUGHT, UNHANDLED } = require('./errors.cjs');
const { applyEnvironment, loadHandler } = require('./handler.cjs');
const { Invocation } = require('./invocation.cjs');
const { logError, patchConsole, setUpLogging } = require('./log.cjs');
const { rehearse } = require('./rehearsal.cjs');
const { StreamedInvocation } = require('./streamed.cjs');
const { installGlobal, isStreaming } = require('./streaming.cjs');

/** Exit status when a module waits for something that will never come, as Node's own. */
const UNSETTLED_AWAIT = 13;

/** Node's own: a function's module may put another in its place. */
const nextTurn = setImmediate;

const channel = new Channel(3, { onPing, onClaim, onInvoke });
let claiming = false;
let handler;
/** How the handler's invocations run: their class. */
let Kind;
/** The latest invocation; finished ones ignore what they are told. */
let invocation;
let rehearsed = false;

/** The server pings an environment that it keeps ready: there is time to rehearse. */
async function onPing(payload) {
  if (!rehearsed) {
    rehearsed = true;
    await rehearse();
  }
  channel.pong(payload);
}

async function onClaim(claim) {
  claiming = true;
  applyEnvironment(claim.environment, claim.taskRoot);
  setUpLogging(process.env);
  installGlobal();
  channel.unref();
  try {
    handler = await loadHandler(claim.taskRoot, claim.handler);
    // Node reports rejections that the code left unhandled at the end of this turn of the event loop.
    await new Promise(nextTurn);
    Kind = isStreaming(handler) ? StreamedInvocation : Invocation;
  } catch (error) {
    logError('Uncaught Exception', error);
    abandon(error, UNCAUGHT);
    return;
  }
  claiming = false;
  channel.claimed();
}

function onInvoke(request, meta, event) {
  invocation = new Kind(channel, request, meta);
  invocation.run(handler, event);
}

/** Tells the server why neither the init nor the invocation can go on, and exits. */
function abandon(error, status) {
  const exit = () => process.exit(status);
  if (claiming) {
    claiming = false;
    channel.claimed(describe(error), exit);
  } else if (invocation) {
    invocation.abandon(error, exit);
  } else {
    exit();
  }
}

process.on('uncaughtException', (error) => {
  logError('Uncaught Exception', error);
  abandon(error, UNCAUGHT);
});

process.on('unhandledRejection', (reason, promise) => {
  const error = Object.assign(runtimeError('UnhandledPromiseRejection', reason), { reason, promise });
  logError('Unhandled Promise Rejection', error);
  abandon(error, UNHANDLED);
});

// Nothing is left to wait for but the server.
process.on('beforeExit', () => {
  if (claiming) {
    process.exit(UNSETTLED_AWAIT);
  }
  invocation?.onIdle();
});

patchConsole();
channel.hello();
