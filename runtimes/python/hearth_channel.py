"""Frames on the control socket. The server's side and the layout: ``frames`` of hearth-runtime.

Reads block: between two invocations nothing but threads of the user's runs.
"""

import os
import sys

from hearth_marshal import from_json, to_json

_VERSION = b"\x02"
_HEADER_BYTES = 16
_READ_BYTES = 16 * 1024
_MAX_PAYLOAD = 256 * 1024
_INITIAL_CREDIT = 1024 * 1024

_HELLO, _PING, _CLAIM, _CLAIMED, _INVOKE, _CHUNK, _END, _ERROR, _CREDIT = range(1, 10)
_PREPARED = 12

# Largest response of an invocation, in bytes.
_MAX_RESPONSE = 6291556
# Characters of an error message that are kept when the error does not fit into a frame; up to 12 bytes each.
_KEPT_MESSAGE = 16 * 1024


class Channel:
    def __init__(self, fd):
        self._fd = fd
        # What was read, and how much of it was taken.
        self._received, self._at = b"", 0
        # What the server may still be sent of the current response.
        self._credit = 0
        os.set_inheritable(fd, False)
        os.set_blocking(fd, True)

    def hello(self, prepared=None):
        """The bootstrap runs. What it has prepared for others comes first."""
        if prepared and len(prepared) <= _MAX_PAYLOAD:
            self._send(_PREPARED, 0, prepared)
        version = "{}.{}.{}".format(*sys.version_info)
        self._send(_HELLO, 0, to_json({"runtime": "python", "version": version, "pid": os.getpid()}))

    def next_claim(self, on_ping):
        """The claim. A ping before it is answered when ``on_ping`` has run."""
        return from_json(self._expect(_CLAIM, on_ping)[1])

    def claimed(self, error=None):
        """The handler is loaded, or why it is not."""
        self._send(_CLAIMED, 0, _encode_error(error) if error else b"")

    def next_invocation(self):
        """Number, description and event of the next invocation."""
        request, meta = self._expect(_INVOKE)
        self._credit = _INITIAL_CREDIT
        return request, from_json(meta), self._receive_body(request)

    def respond(self, request, body):
        """Ends an invocation with a response."""
        if len(body) > _MAX_RESPONSE:
            message = "Response payload size exceeded maximum allowed payload size ({} bytes)."
            error_type = "Function.ResponseSizeTooLarge"
            self.error(request, {"errorMessage": message.format(_MAX_RESPONSE), "errorType": error_type})
        elif len(body) <= _MAX_PAYLOAD:
            self._write(_header(_CHUNK, request, len(body)) + body + _header(_END, request, 0))
        else:
            self._send_body(request, memoryview(body))

    def error(self, request, error):
        """Ends an invocation with an error."""
        self._send(_ERROR, request, _encode_error(error))

    def _receive_body(self, request):
        chunks, ungranted = [], 0
        while True:
            kind, _, payload = self._receive()
            if kind == _END:
                return b"".join(chunks)
            chunks.append(payload)
            ungranted += len(payload)
            if ungranted >= _INITIAL_CREDIT // 2:
                self._send(_CREDIT, request, ungranted.to_bytes(4, "big"))
                ungranted = 0

    def _send_body(self, request, rest):
        while rest:
            while self._credit == 0:
                self._credit += int.from_bytes(self._expect(_CREDIT)[1], "big")
            chunk = rest[: min(_MAX_PAYLOAD, self._credit)]
            rest = rest[len(chunk) :]
            self._credit -= len(chunk)
            self._send(_CHUNK, request, chunk)
        self._send(_END, request, b"")

    def _expect(self, expected, on_ping=lambda: None):
        """The next frame of this kind. Pings are answered; credit that came too late is of no use."""
        while True:
            kind, request, payload = self._receive()
            if kind == expected:
                return request, payload
            if kind == _PING:
                on_ping()
                self._send(_PING, request, payload)

    def _receive(self):
        """Kind, request and payload of the next frame."""
        header = self._take(_HEADER_BYTES)
        payload = self._take(int.from_bytes(header[4:8], "big"))
        return header[1], int.from_bytes(header[8:], "big"), payload

    def _take(self, length):
        """The next bytes."""
        if self._at + length > len(self._received):
            self._fill(length)
        start = self._at
        self._at = start + length
        return self._received[start : self._at]

    def _fill(self, length):
        """Reads until so many bytes are here."""
        pieces = [self._received[self._at :]]
        missing = length - len(pieces[0])
        while missing > 0:
            piece = os.read(self._fd, max(_READ_BYTES, missing))
            if not piece:
                # Without a server there is nothing left to do.
                sys.exit(1)
            pieces.append(piece)
            missing -= len(piece)
        self._received, self._at = b"".join(pieces), 0

    def _send(self, kind, request, payload):
        self._write(_header(kind, request, len(payload)) + payload)

    def _write(self, frames):
        written = os.write(self._fd, frames)
        if written < len(frames):
            rest = memoryview(frames)[written:]
            while rest:
                rest = rest[os.write(self._fd, rest) :]


def _header(kind, request, length):
    return _VERSION + bytes((kind, 0, 0)) + length.to_bytes(4, "big") + request.to_bytes(8, "big")


def _encode_error(error):
    """u16 length of the type, the type, the JSON of the error."""
    error_type = error["errorType"][:256]
    body = to_json(error)
    if len(body) > _MAX_PAYLOAD - 1024:
        message = error["errorMessage"][:_KEPT_MESSAGE]
        body = to_json(dict(error, errorType=error_type, errorMessage=message, stackTrace=[]))
    error_type = error_type.encode("utf-8", "replace")
    return len(error_type).to_bytes(2, "big") + error_type + body
