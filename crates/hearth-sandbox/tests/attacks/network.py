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
for host in ["::1", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0", f"::ffff:{FACTS['host_address']}", "fe80::1%lo",
             "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::"]:
    address = socket.getaddrinfo(host, FACTS["port"], socket.AF_INET6, socket.SOCK_STREAM)[0][4]
    refused(f"connect to {host}", lambda: connect(socket.AF_INET6, address))


def datagram(host):
    """Sends one and waits for what comes back: something, or word that nobody is there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect((host, FACTS["port"]))
        client.send(b"hello")
        return client.recv(100)


for host in ["127.0.0.1", FACTS["host_address"], "169.254.169.254", "1.1.1.1"]:
    refused(f"a datagram to {host}", lambda: datagram(host))


def datagram_of_six(host):
    """The same by IPv6; who listens there hears nothing of IPv4."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect((host, 53))
        client.send(b"hello")
        return client.recv(100)


for host in ["::1", "2001:db8::1", "fd00:ec2::254", "::ffff:1.1.1.1"]:
    refused(f"a datagram to {host}", lambda: datagram_of_six(host))


def option(level, name, value, kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as one:
        one.setsockopt(level, name, value)
    return "set"


IP_TRANSPARENT, SO_MARK, SO_ATTACH_REUSEPORT_EBPF, SO_RCVBUFFORCE = 19, 36, 52, 33
refused("addresses of others", lambda: option(socket.SOL_IP, IP_TRANSPARENT, 1))
refused("marked packets", lambda: option(socket.SOL_SOCKET, SO_MARK, 1))
refused("a program of the kernel's on a socket", lambda: option(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, 0))
refused("buffers beyond the limit", lambda: option(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 20))
refused("a port of the system's", lambda: socket.create_server(("127.0.0.1", 53)))
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
for protocol in [0, 2, socket.IPPROTO_TCP, socket.IPPROTO_UDP, 255]:
    for family in [socket.AF_INET, socket.AF_INET6]:
        refused(f"packets of protocol {protocol}", lambda: socket.socket(family, socket.SOCK_RAW, protocol))
MPTCP = 262
refused("connections over several paths", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, MPTCP))
for protocol in [132, 33, 136, 115]:
    refused(f"protocol {protocol}", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol))
for protocol in [2, 4, 6, 9, 12, 15, 16]:
    refused(f"netlink {protocol}", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol))


def ask_route(kind, flags, body):
    """Asks for a change of interfaces, addresses or routes."""
    message = struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE) as route:
        route.bind((0, 0))
        route.send(message)
        code = struct.unpack_from("=i", route.recv(4096), 16)[0]
    if code:
        raise OSError(-code, os.strerror(-code))
    return "changed"


def add_link():
    """A dummy interface."""
    attributes = struct.pack("=HH", 12, 3) + b"dummy0\0\0" + struct.pack("=HHHH", 16, 18, 9, 1) + b"dummy\0\0\0"
    return ask_route(16, 0x605, struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attributes)


def change_route(kind):
    """The route by which every address ends here."""
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 255, 4, 254, 2, 0) + struct.pack("=HHI", 8, 4, 1)
    return ask_route(kind, 0x605, body)


def add_address():
    """An address on the loopback interface."""
    return ask_route(20, 0x605, struct.pack("=BBBBI", socket.AF_INET, 32, 0, 0, 1) + struct.pack("=HH4s", 8, 2, bytes([10, 0, 0, 1])))


def take_down():
    """The loopback interface."""
    return ask_route(16, 0x5, struct.pack("=BxHiII", 0, 0, 1, 0, 1))


refused("make an interface", add_link)
refused("delete the route of everything", lambda: change_route(25))
refused("add a route", lambda: change_route(24))
refused("add an address", add_address)
refused("take the loopback down", take_down)
try:
    socket.create_connection(("example.com", 80), timeout=5)
    holds("no name is found", False)
except OSError as error:
    holds("no name is found", error.errno != errno.ETIMEDOUT, error)
with socket.socket() as server:
    server.bind(("127.0.0.1", 0))
    server.listen()
    holds("its own loopback works", connect(socket.AF_INET, server.getsockname()))
