// A claim and an invocation for nobody, so that Node has loaded and compiled what the first real ones use.
// Spares a function about a millisecond, and one that is an ES module four.
'use strict';

const Module = require('node:module');

const { CHUNK, CLAIM, Channel, END, INVOKE, frame } = require('./channel.cjs');
const { format } = require('./errors.cjs');
const { setRequestId } = require('./log.cjs');

/** What takes the part of a function's module. */
const REHEARSED = `${__dirname}/rehearsed.js`;

/** Lives the life of an environment up to its first answer. */
async function rehearse(environment) {
  const place = process.cwd();
  const answered = stage(environment);
  const claim = { handler: 'rehearsed.handler', environment: { ...process.env }, taskRoot: __dirname };
  await answered(frame(CLAIM, 0, json(claim)));
  const invocation = [frame(INVOKE, 1, json({ requestId: '' })), frame(CHUNK, 1, json({})), frame(END, 1, json())];
  await answered(Buffer.concat(invocation));
  require('./streamed.cjs');
  // Nearly every function that calls anything loads it, mostly within an SDK; it takes 8 ms.
  require('node:https');
  format(new Error());
  process.chdir(place);
  leaveNoTrace();
}

/** Sets up a channel without a server. Gives what plays one: it sends bytes and waits for the answer to them. */
function stage(environment) {
  let receive;
  let onAnswer;
  const socket = { ref() {}, unref() {}, write: () => onAnswer() };
  const channel = new Channel(environment, (onData) => {
    receive = onData;
    return socket;
  });
  environment.attend(channel);
  return (bytes) =>
    new Promise((resolve) => {
      onAnswer = resolve;
      receive(bytes);
    });
}

/** What functions see must not depend on whether there was a rehearsal. */
function leaveNoTrace() {
  setRequestId(undefined);
  delete globalThis.awslambda;
  const { [REHEARSED]: module } = Module._cache;
  module.parent.children.pop();
  delete Module._cache[REHEARSED];
}

function json(value) {
  return Buffer.from(value === undefined ? '' : JSON.stringify(value));
}

module.exports = { rehearse };
