// From a claim to a function that can be called.
'use strict';

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const { runtimeError } = require('./errors.cjs');

/** `require` for user code. Messages about missing modules end their stack with this name on AWS too. */
const requireUser = Module.createRequire(path.join(__dirname, 'index.mjs'));

/**
 * Makes this process look as if it had been started with these variables in the code's folder; `null` if it was.
 */
function applyEnvironment(variables, taskRoot) {
  if (variables !== null) {
    const others = Object.keys(process.env).filter((name) => !Object.hasOwn(variables, name));
    others.forEach((name) => delete process.env[name]);
    Object.assign(process.env, variables);
  }
  process.chdir(taskRoot);
  // Reads NODE_PATH again.
  Module._initPaths();
}

/** The function that a name such as `src/app.handler` or `index.api.get` means. */
async function loadHandler(taskRoot, name) {
  if (name.includes('..')) {
    const advice = 'Use absolute paths when specifying root directories in handler names.';
    throw runtimeError('MalformedHandlerName', `'${name}' is not a valid handler name. ${advice}`);
  }
  const file = path.basename(name);
  const folder = name.slice(0, name.indexOf(file));
  const [, module, property] = file.match(/^([^.]*)\.(.*)$/) ?? [];
  if (module === undefined) {
    throw runtimeError('MalformedHandlerName', 'Bad handler');
  }
  const loaded = await loadUserModule(taskRoot, folder, module);
  const handler = property.split('.').reduce((value, key) => value && value[key], loaded);
  if (!handler) {
    throw runtimeError('HandlerNotFound', `${name} is undefined or not exported`);
  }
  if (typeof handler !== 'function') {
    throw runtimeError('HandlerNotFound', `${name} is not a function`);
  }
  return handler;
}

async function loadUserModule(taskRoot, folder, module) {
  try {
    return await load(taskRoot, folder, module);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw runtimeError('UserCodeSyntaxError', error);
    }
    throw error?.code === 'MODULE_NOT_FOUND' ? runtimeError('ImportModuleError', error) : error;
  }
}

/** Looks for the module where AWS does, in the same order. */
async function load(taskRoot, folder, module) {
  const file = path.resolve(taskRoot, folder, module);
  if (fs.existsSync(file)) {
    return requireUser(file);
  }
  if (fs.existsSync(`${file}.js`)) {
    return inModulePackage(path.dirname(file)) ? importModule(`${file}.js`) : requireUser(`${file}.js`);
  }
  if (fs.existsSync(`${file}.mjs`)) {
    return importModule(`${file}.mjs`);
  }
  if (fs.existsSync(`${file}.cjs`)) {
    return requireUser(`${file}.cjs`);
  }
  return requireUser(requireUser.resolve(module, { paths: [taskRoot, folder] }));
}

/** Whether the nearest package.json says that `.js` files are ES modules. */
function inModulePackage(folder) {
  if (path.basename(folder) === 'node_modules') {
    return false;
  }
  const description = path.join(folder, 'package.json');
  if (fs.existsSync(description)) {
    try {
      return JSON.parse(fs.readFileSync(description, 'utf8'))?.type === 'module';
    } catch (error) {
      console.warn(`${description} is not valid JSON; its "type" is taken to be "commonjs".`, error);
      return false;
    }
  }
  const parent = path.dirname(folder);
  return parent !== folder && inModulePackage(parent);
}

module.exports = { applyEnvironment, loadHandler };
