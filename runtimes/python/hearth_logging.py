"""The part of the log that ``logging`` writes. Imported with it."""

import json
import logging
import time
import traceback

import hearth_log as log

# What a record has of its own; anything else was added with ``extra``.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"aws_request_id", "taskName", "message", "asctime"}

# Names of levels in ``AWS_LAMBDA_LOG_LEVEL`` that Python does not know.
_LEVELS = {"TRACE": "DEBUG"}


def set_up(as_json, level):
    """Gives the root logger its level and its handler."""
    level = logging.getLevelName(_LEVELS.get(level, level))
    if isinstance(level, int):
        logging.getLogger().setLevel(level)
    handler = LambdaLoggerHandler()
    logging.Formatter.converter = time.gmtime
    handler.setFormatter(JsonFormatter() if as_json else _text_formatter())
    handler.addFilter(_add_request_id)
    logging.getLogger().addHandler(handler)


def rehearse():
    _text_formatter()


def _text_formatter():
    return logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n",
        "%Y-%m-%dT%H:%M:%S",
    )


class LambdaLoggerHandler(logging.Handler):
    def emit(self, record):
        log.write_event(self.format(record), record.levelno)


def _add_request_id(record):
    record.aws_request_id = log.request_id
    return True


class JsonFormatter(logging.Formatter):
    """One object per record. What ``extra`` added stands beside the usual members and never in their place."""

    def format(self, record):
        level = min(max(record.levelno, 0), logging.CRITICAL) // 10 * 10
        line = {
            "timestamp": log.timestamp(record.created),
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


# What JSON has no form for is shown as text: a line is worth more than its form.
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)
