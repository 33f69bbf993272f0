// The Node.js bootstrap: the program an execution environment starts with. CommonJS, because Node starts it 4 ms
// sooner than a module.
//
// It loads the rest itself: looking for modules the way Node does takes longer than running these.
'use strict';

const fs = require('node:fs');
const vm = require('node:vm');

/** What functions call a module with, on the line of its first comment. */
const WRAPPER = ['(function (exports, require, module, __filename, __dirname, importModule) { ', '\n})'];

/** Modules of the bootstrap by name, such as `./channel.cjs`. */
const modules = new Map();

function load(name) {
  if (!name.startsWith('./')) {
    return require(name);
  }
  let module = modules.get(name);
  if (module === undefined) {
    module = { exports: {} };
    modules.set(name, module);
    const filename = `${__dirname}/${name.slice(2)}`;
    const script = new vm.Script(WRAPPER.join(fs.readFileSync(filename, 'utf8')), { filename });
    script.runInThisContext()(module.exports, load, module, filename, __dirname, importModule);
  }
  return module.exports;
}

/** Imports work in modules only that Node has loaded, as this one. */
function importModule(specifier) {
  return import(specifier);
}

load('./bindings.cjs').forgetHeapFlag();
load('./environment.cjs').serve(3);
