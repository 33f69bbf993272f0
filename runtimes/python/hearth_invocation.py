"""One invocation."""

import os

import hearth_log as log
from hearth_context import LambdaContext
from hearth_errors import describe
from hearth_marshal import marshal, unmarshal

_TRACE = "_X_AMZN_TRACE_ID"


def run(channel, handler, request, meta, event):
    """Calls the handler and answers. Only what ends a process in Python ends it here: ``SystemExit`` and
    its like."""
    log.request_id = meta["requestId"]
    _set_trace(meta.get("traceId"))
    try:
        context = LambdaContext(meta)
        body = marshal(handler(unmarshal(event), context))
    except Exception as exception:
        error = describe(exception, meta["requestId"])
        log.error(error)
        channel.error(request, error)
    else:
        channel.respond(request, body)


def _set_trace(trace_id):
    if trace_id is None:
        os.environ.pop(_TRACE, None)
    else:
        os.environ[_TRACE] = trace_id
