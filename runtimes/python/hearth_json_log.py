"""Lines of ``logging`` in the JSON format."""

import json
import logging
import time
import traceback

# What a record has of its own; anything else was added with ``extra``.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"aws_request_id", "taskName", "message", "asctime"}


class JsonFormatter(logging.Formatter):
    """One object per record. What ``extra`` added stands beside the usual members and never in their place."""

    def format(self, record):
        level = min(max(record.levelno, 0), logging.CRITICAL) // 10 * 10
        line = {
            "timestamp": timestamp(record.created),
            "level": logging.getLevelName(level),
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[0]:
            kind, value, trace = record.exc_info
            line["stackTrace"] = traceback.format_tb(trace)
            line["errorType"] = kind.__name__
            line["errorMessage"] = str(value)
            line["location"] = "{}:{}:{}".format(record.pathname, record.funcName, record.lineno)
        line["requestId"] = record.aws_request_id
        for name, value in vars(record).items():
            if name not in _OWN and name not in line:
                line[name] = value
        return _ENCODER.encode({name: value for name, value in line.items() if value is not None})


def timestamp(seconds):
    millis = int(seconds * 1000)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(millis // 1000))
    return "{}.{:03d}Z".format(whole, millis % 1000)


# What JSON has no form for is shown as text: a line is worth more than its form.
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)
