"""The function's log: ``print`` writes lines, ``logging`` and errors write one event each."""

import io
import logging
import os
import sys
import time

_OUTPUT = 1
_FRAME_TYPE = b"\xa5\x5a\x00\x03"
# Largest event of a log, in bytes. A longer one is written as several.
_MAX_EVENT = 1024 * 1024
_NO_BREAK_SPACE = "\u00a0"

# The invocation that runs, for its lines; none during init.
request_id = ""


def open_streams():
    """Unbuffered UTF-8, whatever the variables said when the interpreter started: what a function printed
    before it was killed is not lost."""
    for name, fd, errors in (("stdout", 1, "surrogateescape"), ("stderr", 2, "backslashreplace")):
        raw = io.FileIO(fd, "w", closefd=False)
        stream = io.TextIOWrapper(raw, encoding="utf-8", errors=errors, write_through=True)
        setattr(sys, name, stream)


def set_up_logging():
    formatter = logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n",
        "%Y-%m-%dT%H:%M:%S",
    )
    logging.Formatter.converter = time.gmtime
    handler = LambdaLoggerHandler()
    handler.setFormatter(formatter)
    handler.addFilter(_add_request_id)
    logging.getLogger().addHandler(handler)


class LambdaLoggerHandler(logging.Handler):
    def emit(self, record):
        write(self.format(record))


def _add_request_id(record):
    record.aws_request_id = request_id
    return True


def error(described):
    """Writes an error as callers get it."""
    title = "[ERROR] " + described["errorType"]
    if described["errorMessage"]:
        title += ": " + described["errorMessage"]
    lines = [title, "Traceback (most recent call last):"]
    for frame in described["stackTrace"]:
        # Viewers of logs strip ordinary spaces.
        lines += [_NO_BREAK_SPACE * _indentation(line) + line.lstrip(" ") for line in frame.splitlines()]
    write("\n".join(lines))


def _indentation(line):
    return len(line) - len(line.lstrip(" "))


def write(text):
    """Writes one event."""
    rest = text.encode("utf-8", "backslashreplace")
    timestamp = (time.time_ns() // 1000).to_bytes(8, "big")
    while rest:
        end = _cut(rest)
        # One write, so that what child processes print cannot come between header and text.
        _write_all(_FRAME_TYPE + end.to_bytes(4, "big") + timestamp + rest[:end])
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
