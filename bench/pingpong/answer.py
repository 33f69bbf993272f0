"""Answers every message with what its JSON says."""

import json
import socket
import sys

with socket.socket(socket.AF_UNIX) as peer:
    peer.connect(sys.argv[1])
    waiting = b""
    while data := peer.recv(65536):
        waiting += data
        while len(waiting) >= 4 and len(waiting) >= 4 + (length := int.from_bytes(waiting[:4], "little")):
            body = json.dumps(json.loads(waiting[4:4 + length]), separators=(",", ":")).encode()
            waiting = waiting[4 + length:]
            peer.sendall(len(body).to_bytes(4, "little") + body)
