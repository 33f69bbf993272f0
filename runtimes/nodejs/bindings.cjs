// Node's own interfaces below its modules. They may be missing in another version, and are not for functions.
'use strict';

/** Node warns of their use, but not its user, who does not use them. */
function binding(name) {
  const { noDeprecation } = process;
  process.noDeprecation = true;
  try {
    return process.binding(name);
  } finally {
    if (noDeprecation === undefined) {
      delete process.noDeprecation;
    } else {
      process.noDeprecation = noDeprecation;
    }
  }
}

/**
 * The size of the heap is set when this runs. While its flag differs from what Node was built with, V8 does not take the
 * compiled code of Node's own modules that Node brings along, and loading `stream` alone takes 4 ms longer.
 */
function forgetHeapFlag() {
  try {
    binding('v8').setFlagsFromString('--max-old-space-size=0');
  } catch {
    // Then it starts more slowly.
  }
}

module.exports = { binding, forgetHeapFlag };
