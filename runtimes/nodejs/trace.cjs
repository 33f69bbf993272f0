// The trace of the invocation that runs, as a variable of this process.
//
// The C library never gives back the memory of a variable's value, so a process that is invoked all the time would grow
// without end. What JavaScript sees, and hands on to the processes that it starts, is therefore kept here. The process's
// own copy, for code in C, follows a thousand times at once, and then once in a second.
'use strict';

const NAME = '_X_AMZN_TRACE_ID';
/** Copies that may be made at once. Each second allows one more. */
const MOST = 1000;

/** The variables as Node has them, and with the trace in its place. */
const own = process.env;
const shown = new Proxy(own, {
  get: (_, name) => (name === NAME ? trace : own[name]),
  has: (_, name) => (name === NAME ? trace !== undefined : name in own),
  set: (_, name, value) => {
    own[name] = value;
    if (name === NAME) {
      trace = own[name];
    }
    return true;
  },
  deleteProperty: (_, name) => {
    if (name === NAME) {
      trace = undefined;
    }
    return delete own[name];
  },
  defineProperty: (_, name, descriptor) => {
    Object.defineProperty(own, name, descriptor);
    if (name === NAME) {
      trace = own[name];
    }
    return true;
  },
  ownKeys: () => {
    const names = Reflect.ownKeys(own);
    return trace === undefined || names.includes(NAME) ? names : [...names, NAME];
  },
  getOwnPropertyDescriptor: (_, name) => {
    const descriptor = Reflect.getOwnPropertyDescriptor(own, name);
    return name === NAME && descriptor ? { ...descriptor, value: trace } : descriptor;
  },
});

let trace;
let left = MOST;
let countedAt = 0;

process.env = shown;

/** Makes the trace of an invocation known to whoever calls further services. */
function setTrace(traceId) {
  const now = process.uptime();
  left = Math.min(left + now - countedAt, MOST);
  countedAt = now;
  trace = traceId;
  // A function may have put other variables in their place.
  const variables = process.env === shown ? own : process.env;
  if (traceId === undefined) {
    delete variables[NAME];
  } else if (left >= 1 || variables !== own || !(NAME in own)) {
    left -= 1;
    variables[NAME] = traceId;
  }
}

module.exports = { setTrace };
