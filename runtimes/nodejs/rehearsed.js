// Takes the part of a function in a rehearsal.
'use strict';

exports.handler = async () => {
  await import('./rehearsed.mjs');
  return {};
};
