const { execFileSync } = require('node:child_process');

const NAME = '_X_AMZN_TRACE_ID';
const atInit = process.env;

const inChild = (options) => execFileSync('/bin/sh', ['-c', `echo $${NAME}`], options).toString().trim();

exports.handler = async ({ do: what }) => {
  if (what === 'change') {
    process.env[NAME] = 'changed';
    const changed = process.env[NAME];
    const deleted = delete process.env[NAME];
    return { changed, deleted, left: [NAME in process.env, process.env[NAME] ?? null, inChild()] };
  }
  return {
    read: process.env[NAME] ?? null,
    atInit: atInit[NAME] ?? null,
    copied: { ...process.env }[NAME] ?? null,
    listed: Object.keys(process.env).filter((name) => name === NAME).length,
    own: Object.hasOwn(process.env, NAME),
    child: [inChild(), inChild({ env: { ...process.env, OTHER: '1' } })],
  };
};
