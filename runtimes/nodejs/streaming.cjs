// How functions say that they stream their responses: the global `awslambda` and the marks on their handlers.
// Names, symbols and errors are those of AWS's runtime (source: npm aws-lambda-ric 3.3.0).
'use strict';

const { runtimeError } = require('./errors.cjs');

/** Marks a handler that streams. Tools that wrap handlers carry it over. */
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const RESPONSE = 'response';

const HTTP_INTEGRATION = 'application/vnd.awslambda.http-integration-response';
/** Between status and headers, as JSON, and the body. */
const DELIMITER = Buffer.alloc(8);

/** Gives functions the global `awslambda`, unless their configuration says that they bring their own. */
function installGlobal() {
  if (!['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) {
    globalThis.awslambda = { streamifyResponse, HttpResponseStream };
  }
}

function streamifyResponse(handler, options) {
  handler[STREAMING] = RESPONSE;
  if (typeof options?.highWaterMark === 'number') {
    handler[HIGH_WATER_MARK] = parseInt(options.highWaterMark, 10);
  }
  return handler;
}

class HttpResponseStream {
  /** Lets a response begin with status, headers and cookies for whoever answers an HTTP request with it. */
  static from(stream, metadata) {
    stream.setContentType(HTTP_INTEGRATION);
    const prelude = JSON.stringify(metadata);
    stream._onBeforeFirstWrite = (write) => {
      write(prelude);
      write(DELIMITER);
    };
    return stream;
  }
}

/** Whether a handler streams its response. */
function isStreaming(handler) {
  const mark = handler[STREAMING];
  if (mark === undefined || mark === null || mark === false) {
    return false;
  }
  if (mark !== RESPONSE) {
    throw runtimeError('MalformedStreamingHandler', 'Only response streaming is supported.');
  }
  return true;
}

module.exports = { HIGH_WATER_MARK, installGlobal, isStreaming };
