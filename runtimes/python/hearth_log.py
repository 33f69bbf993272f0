"""The function's log: ``print`` writes lines, ``logging`` and errors write one event each."""

import io
import logging
import os
import sys
import time

from hearth_json_log import JsonFormatter, timestamp
from hearth_marshal import to_json

_OUTPUT = 1
# Types of frames; the level stands in bits 2 to 4 of the last byte.
_FRAME_MARK = b"\xa5\x5a\x00"
_JSON_FRAME, _TEXT_FRAME = 2, 3
# Largest event of a log, in bytes. A longer one is written as several.
_MAX_EVENT = 1024 * 1024
_NO_BREAK_SPACE = "\u00a0"

# Names of levels in ``AWS_LAMBDA_LOG_LEVEL`` that Python does not know.
_LEVELS = {"TRACE": "DEBUG"}

# The invocation that runs, for its lines; none during init.
request_id = ""
# Whether lines are JSON, as the function's variables say.
_json = False


def open_streams():
    """Unbuffered UTF-8, whatever the variables said when the interpreter started: what a function printed
    before it was killed is not lost."""
    for name, fd, errors in (("stdout", 1, "surrogateescape"), ("stderr", 2, "backslashreplace")):
        raw = io.FileIO(fd, "w", closefd=False)
        stream = io.TextIOWrapper(raw, encoding="utf-8", errors=errors, write_through=True)
        setattr(sys, name, stream)


def set_up_logging():
    """Takes format and level from the variables, which are known from the claim on."""
    global _json
    _json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = logging.getLevelName(_LEVELS.get(level, level))
    if isinstance(level, int):
        logging.getLogger().setLevel(level)
    handler = LambdaLoggerHandler()
    logging.Formatter.converter = time.gmtime
    handler.setFormatter(JsonFormatter() if _json else _text_formatter())
    handler.addFilter(_add_request_id)
    logging.getLogger().addHandler(handler)


def _text_formatter():
    return logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n",
        "%Y-%m-%dT%H:%M:%S",
    )


class LambdaLoggerHandler(logging.Handler):
    def emit(self, record):
        _write_event(self.format(record), _frame_level(record.levelno))


def _frame_level(number):
    """The level of a frame: DEBUG is 2, CRITICAL is 6, and 0 is none."""
    tens = min(max(number, 0), logging.CRITICAL) // 10
    return tens + 1 if tens else 0


def _add_request_id(record):
    record.aws_request_id = request_id
    return True


def error(described):
    """Writes an error as callers get it."""
    if _json:
        line = dict({"timestamp": timestamp(time.time()), "level": "ERROR"}, **described)
        _write_event(to_json(line).decode("utf-8", "replace"), _frame_level(logging.ERROR))
    else:
        _write_event(_error_text(described), _frame_level(logging.ERROR))


def _error_text(described):
    title = "[ERROR] " + described["errorType"]
    if described["errorMessage"]:
        title += ": " + described["errorMessage"]
    lines = [title, "Traceback (most recent call last):"]
    for frame in described["stackTrace"]:
        # Viewers of logs strip ordinary spaces.
        lines += [_NO_BREAK_SPACE * _indentation(line) + line.lstrip(" ") for line in frame.splitlines()]
    return "\n".join(lines)


def _indentation(line):
    return len(line) - len(line.lstrip(" "))


def write(text):
    """Writes one event of no level."""
    _write(text, bytes((_TEXT_FRAME,)))


def _write_event(text, level):
    _write(text, bytes(((_JSON_FRAME if _json else _TEXT_FRAME) | level << 2,)))


def _write(text, kind):
    rest = text.encode("utf-8", "backslashreplace")
    timestamp = (time.time_ns() // 1000).to_bytes(8, "big")
    while rest:
        end = _cut(rest)
        # One write, so that what child processes print cannot come between header and text.
        _write_all(_FRAME_MARK + kind + end.to_bytes(4, "big") + timestamp + rest[:end])
        rest = rest[end:]


def _cut(data):
    """Where an event must end: at its end, or between two characters."""
    end = min(len(data), _MAX_EVENT)
    while end < len(data) and data[end] & 0b11000000 == 0b10000000:
        end -= 1
    return end


def _write_all(data):
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(_OUTPUT, rest) :]
        except BlockingIOError:
            # A child process has made the pipe non-blocking, and it is full.
            time.sleep(0.001)
