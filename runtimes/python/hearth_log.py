"""The function's log: ``print`` writes lines, ``logging`` and errors write one event each."""

import io
import os
import sys
import time

import hearth_library as library
from hearth_marshal import to_json

_OUTPUT = 1
# Types of frames; the level stands in bits 2 to 4 of the last byte.
_FRAME_MARK = b"\xa5\x5a\x00"
_JSON_FRAME, _TEXT_FRAME = 2, 3
# Largest event of a log, in bytes. A longer one is written as several.
_MAX_EVENT = 1024 * 1024
_NO_BREAK_SPACE = "\u00a0"

# The numbers of ``logging``.
_ERROR, _CRITICAL = 40, 50

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


def set_up():
    """Takes format and level from the variables, which are known from the claim on. ``logging`` is set up when it is
    imported."""
    global _json
    _json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()

    def set_up_logging():
        import hearth_logging

        hearth_logging.set_up(_json, level)

    library.when_imported("logging", set_up_logging)


def _frame_level(number):
    """The level of a frame: DEBUG is 2, CRITICAL is 6, and 0 is none."""
    tens = min(max(number, 0), _CRITICAL) // 10
    return tens + 1 if tens else 0


def error(described):
    """Writes an error as callers get it."""
    if _json:
        line = dict({"timestamp": timestamp(time.time()), "level": "ERROR"}, **described)
        write_event(to_json(line).decode("utf-8", "replace"), _ERROR)
    else:
        write_event(_error_text(described), _ERROR)


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


def write_event(text, level):
    """Writes one event of a level of ``logging``."""
    _write(text, bytes(((_JSON_FRAME if _json else _TEXT_FRAME) | _frame_level(level) << 2,)))


def timestamp(seconds):
    """The time as lines in the JSON format have it."""
    millis = int(seconds * 1000)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(millis // 1000))
    return "{}.{:03d}Z".format(whole, millis % 1000)


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
