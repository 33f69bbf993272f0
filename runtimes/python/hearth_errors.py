"""Errors as callers and logs see them."""

import os

_BOOTSTRAP = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Fault(Exception):
    """An error that the platform finds, not the user's code: ``Runtime.<type>``."""

    def __init__(self, error_type, message, trace=()):
        super().__init__(message)
        self.error_type = "Runtime." + error_type
        self.trace = list(trace)


def describe(exception, request_id=""):
    """What the caller of the function gets."""
    if isinstance(exception, Fault):
        error_type, trace = exception.error_type, exception.trace
    else:
        error_type, trace = type(exception).__name__, _stack(exception)
    return {
        "errorMessage": _message(exception),
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": trace,
    }


def _message(exception):
    try:
        return str(exception)
    except Exception:
        return "<unprintable {} object>".format(type(exception).__name__)


def _stack(exception):
    """The frames from user code on. Tuples, since those are formatted without the carets of newer Pythons."""
    import traceback

    frames = traceback.extract_tb(exception.__traceback__)
    frames = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in frames]
    while frames and frames[0][0].startswith(_BOOTSTRAP):
        del frames[0]
    return traceback.format_list(frames)
