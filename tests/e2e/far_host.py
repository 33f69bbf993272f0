"""The programs of a `FarHost`: far_host.py ADDRESS IPV6_ADDRESS NEAR_ADDRESS, in its network namespace."""

import ipaddress
import socket
import socketserver
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADDRESS, SIX, NEAR = sys.argv[1:]
A, AAAA, TXT = 1, 28, 16
# What the name server knows: addresses by name.
NAMES = {
    "api.test": [ADDRESS, SIX],
    "deep.api.test": [ADDRESS],
    "other.test": [ADDRESS],
    # Names that lead back to the host.
    "near.test": [NEAR],
    "loopback.test": ["127.0.0.1", "::1"],
    "metadata.test": ["169.254.169.254"],
    # And one that does so in part.
    "mixed.test": ["127.0.0.1", ADDRESS],
}


class Greeting(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f"hello from {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class SixServer(ThreadingHTTPServer):
    address_family = socket.AF_INET6


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)
        self.request.sendall(b"the end")


class EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True
    request_queue_size = 512


def record(kind, data):
    return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def answer(query, datagram):
    """The answer to a query, with a TXT record that fits only into TCP for the name long.test."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    name = ".".join(labels).lower()
    kind = struct.unpack_from("!H", query, at + 1)[0]
    addresses = [ipaddress.ip_address(text) for text in NAMES.get(name, [])]
    records = [record(kind, one.packed) for one in addresses if kind == (A if one.version == 4 else AAAA)]
    flags, code = 0x8580, 0 if name in NAMES or name == "long.test" else 3
    if name == "long.test" and kind == TXT:
        records = [] if datagram else [record(TXT, b"\xc8" + b"x" * 200) for _ in range(20)]
        flags |= 0x0200 if datagram else 0
    head = query[:2] + struct.pack("!HHHHH", flags | code, 1, len(records), 0, 0)
    return head + query[12:at + 5] + b"".join(records)


class Datagrams(socketserver.BaseRequestHandler):
    def handle(self):
        query, server = self.request
        server.sendto(answer(query, True), self.client_address)


class Queries(socketserver.BaseRequestHandler):
    def handle(self):
        stream = self.request.makefile("rwb")
        while length := stream.read(2):
            reply = answer(stream.read(struct.unpack("!H", length)[0]), False)
            stream.write(struct.pack("!H", len(reply)) + reply)
            stream.flush()


servers = [
    ThreadingHTTPServer((ADDRESS, 8080), Greeting),
    SixServer((SIX, 8080), Greeting),
    EchoServer((ADDRESS, 7), Echo),
    socketserver.ThreadingUDPServer((ADDRESS, 53), Datagrams),
    EchoServer((ADDRESS, 53), Queries),
]
for server in servers[1:]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
servers[0].serve_forever()
