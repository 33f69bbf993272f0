// Errors as callers and logs see them.
'use strict';

const { types } = require('node:util');

/** Exit statuses after an error that nobody caught, and after a rejection that nobody handled. */
const UNCAUGHT = 129;
const UNHANDLED = 128;

/** An error of the platform: `Runtime.<type>`. Keeps the stack of the reason, where it has one. */
function runtimeError(type, reason) {
  const RuntimeError = { [type]: class extends Error {} }[type];
  const error = new RuntimeError(String(reason));
  Object.defineProperty(error, 'name', { value: `Runtime.${type}` });
  const stack = types.isNativeError(reason) ? `\n${reason.stack}` : error.stack.slice(error.stack.indexOf('\n    at '));
  error.stack = `${error.name}: ${error.message}${stack}`;
  return error;
}

/** What the caller of the function gets. Anything can be thrown, so anything can go wrong here. */
function describe(error) {
  try {
    if (isError(error)) {
      return { errorType: error.name, errorMessage: error.message, trace: error.stack.split('\n') };
    }
    return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
  } catch {
    return { errorType: 'handled', errorMessage: 'The error has no readable name, message or stack.' };
  }
}

/** The JSON that follows an error's title in the log. */
function format(error) {
  try {
    return `\t${JSON.stringify(toError(error), (_, value) => withHiddenProperties(value))}`;
  } catch {
    return `\t${JSON.stringify(describe(error))}`;
  }
}

/** The error itself, or one that has the thrown value as its message. */
function toError(thrown) {
  return types.isNativeError(thrown) ? thrown : new Error(thrown);
}

/** What stands for a value in a log of JSON: errors show what they are and what the code added to them. */
function serializable(value) {
  if (!(value instanceof Error) && !types.isNativeError(value)) {
    return value;
  }
  const { stack, message: errorMessage } = value;
  const errorType = value.constructor?.name ?? 'UnknownError';
  const stackTrace = typeof stack === 'string' ? stack.split('\n') : stack;
  return { errorType, errorMessage, stackTrace, ...value };
}

function isError(value) {
  const texts = [value?.name, value?.message, value?.stack];
  return types.isNativeError(value) || texts.every((text) => text && typeof text === 'string');
}

function withHiddenProperties(value) {
  if (!types.isNativeError(value)) {
    return value;
  }
  const { name: errorType, message: errorMessage, code } = value;
  const shown = { errorType, errorMessage, code, ...value };
  if (typeof value.stack === 'string') {
    shown.stack = value.stack.split('\n');
  }
  return shown;
}

module.exports = { describe, format, runtimeError, serializable, toError, UNCAUGHT, UNHANDLED };
