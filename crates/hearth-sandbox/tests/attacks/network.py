# Reaches the host and other environments over the network and local sockets.
import errno
import os
import socket
import struct
from attack import call, holds, read, refused

AF_PACKET, AF_VSOCK, AF_ALG, AF_KEY, AF_XDP, AF_BLUETOOTH, AF_CAN, AF_TIPC = 17, 40, 38, 15, 44, 31, 29, 30
NETLINK_ROUTE = 0


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        client.connect(address)
    return f"connected to {address}"


for host in ["127.0.0.1", "127.0.0.2", "0.0.0.0", FACTS["host_address"], "169.254.169.254", "1.1.1.1"]:
    refused(f"connect to {host}", lambda: connect(socket.AF_INET, (host, FACTS["port"])))
refused("connect to ::1", lambda: connect(socket.AF_INET6, ("::1", FACTS["port"])))
refused("connect to the host's abstract socket", lambda: connect(socket.AF_UNIX, "\0" + FACTS["abstract"]))
refused("connect to the host's socket file", lambda: connect(socket.AF_UNIX, FACTS["socket_file"]))
holds("only lo is there", [name for _, name in socket.if_nameindex()] == ["lo"], socket.if_nameindex())
holds("no socket of the host's is listed", FACTS["abstract"].encode() not in read("/proc/net/unix"))
holds("nothing of anybody's listens", len(read("/proc/net/tcp").splitlines()) == 1, read("/proc/net/tcp"))
for family in [AF_PACKET, AF_VSOCK, AF_ALG, AF_KEY, AF_XDP, AF_BLUETOOTH, AF_CAN, AF_TIPC]:
    refused(f"a socket of family {family}", lambda: socket.socket(family, socket.SOCK_RAW))
    refused(f"a datagram socket of family {family}", lambda: socket.socket(family, socket.SOCK_DGRAM))
refused("a raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
refused("a raw IPv6 socket", lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58))
for protocol in [132, 33, 136, 115]:
    refused(f"protocol {protocol}", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol))
for protocol in [2, 4, 6, 9, 12, 15, 16]:
    refused(f"netlink {protocol}", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol))


def add_link():
    """Asks for a dummy interface."""
    attributes = struct.pack("=HH", 12, 3) + b"dummy0\0\0" + struct.pack("=HHHH", 16, 18, 9, 1) + b"dummy\0\0\0"
    body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attributes
    message = struct.pack("=IHHII", 16 + len(body), 16, 0x605, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE) as route:
        route.bind((0, 0))
        route.send(message)
        code = struct.unpack_from("=i", route.recv(4096), 16)[0]
    if code:
        raise OSError(-code, os.strerror(-code))
    return "made an interface"


refused("make an interface", add_link)
try:
    socket.create_connection(("example.com", 80), timeout=5)
    holds("no name is found", False)
except OSError as error:
    holds("no name is found", error.errno != errno.ETIMEDOUT, error)
with socket.socket() as server:
    server.bind(("127.0.0.1", 0))
    server.listen()
    holds("its own loopback works", connect(socket.AF_INET, server.getsockname()))
