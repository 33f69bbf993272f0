"""The trace of the invocation that runs, as a variable of this process.

The C library never gives back the memory of a variable's value, so a process that is invoked all the time would grow
without end. What Python sees is always right. The process's own copy, for code in C and for child processes that are
given no variables of their own, follows a thousand times at once, and then once in a second.
"""

import os
import time

_NAME = "_X_AMZN_TRACE_ID"
# Copies that may be made at once. Each second allows one more.
_MOST = 1000

_left = _MOST
_counted_at = 0


def set_trace(trace_id):
    """Makes the trace of an invocation known to whoever calls further services."""
    global _left, _counted_at
    now = time.monotonic()
    _left = min(_left + now - _counted_at, _MOST)
    _counted_at = now
    if trace_id is None:
        os.environ.pop(_NAME, None)
        return
    seen = getattr(os.environ, "_data", None)
    if _left >= 1 or not isinstance(seen, dict):
        _left -= 1
        os.environ[_NAME] = trace_id
    else:
        seen[os.environ.encodekey(_NAME)] = os.environ.encodevalue(trace_id)
