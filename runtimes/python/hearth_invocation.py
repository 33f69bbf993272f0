"""One invocation."""

import hearth_log as log
from hearth_context import LambdaContext
from hearth_errors import describe
from hearth_marshal import marshal, unmarshal
from hearth_trace import set_trace


def run(channel, handler, request, meta, event):
    """Calls the handler and answers. Only what ends a process in Python ends it here: ``SystemExit`` and
    its like."""
    log.request_id = meta["requestId"]
    set_trace(meta.get("traceId"))
    try:
        context = LambdaContext(meta)
        body = marshal(handler(unmarshal(event), context))
    except Exception as exception:
        error = describe(exception, meta["requestId"])
        log.error(error)
        channel.error(request, error)
    else:
        channel.respond(request, body)
