"""A host of the test's own: a network namespace at the other end of a cable, with an HTTP server, an echo server and a
name server in it. Nothing is sent to anybody else."""

import ipaddress
import os
import random
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

from server import wait_until

PROGRAM = Path(__file__).with_name("far_host.py")


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def missing():
    """What this machine lacks for it, or None."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not shutil.which("ip"):
        return "ip (iproute2) is not installed"
    probe = f"hearth-probe-{uuid.uuid4().hex[:8]}"
    made = run("ip", "netns", "add", probe)
    run("ip", "netns", "delete", probe)
    return None if made.returncode == 0 else f"network namespaces cannot be made: {made.stderr.strip()}"


class FarHost:
    """`address` and `six` are its own, `near` and `near_six` those of this end of the cable, which are the host's, and
    `silent` is nobody's."""

    HTTP, ECHO, DNS = 8080, 7, 53

    def __init__(self):
        tag = uuid.uuid4().hex[:8]
        self.namespace, self.cable, self.far_end = f"hearth-{tag}", f"hn{tag}", f"hf{tag}"
        # RFC 2544 keeps these addresses for tests; a /30 of one's own in 131,072 / 4.
        block = random.randrange(2**15)
        base = f"198.{18 + (block >> 14)}.{block >> 6 & 255}"
        first = (block & 63) * 4
        self.near, self.address = f"{base}.{first + 1}", f"{base}.{first + 2}"
        prefix = f"fd{tag[:2]}:{tag[2:6]}:{tag[4:8]}::"
        # As programs write them: without leading zeros.
        self.near_six, self.six, self.silent = (str(ipaddress.ip_address(f"{prefix}{n}")) for n in (1, 2, 3))
        self.process = None

    def start(self):
        inside = ("ip", "netns", "exec", self.namespace, "ip")
        for command in [
            ("ip", "netns", "add", self.namespace),
            ("ip", "link", "add", self.cable, "type", "veth", "peer", "name", self.far_end, "netns", self.namespace),
            ("ip", "address", "add", f"{self.near}/30", "dev", self.cable),
            ("ip", "address", "add", f"{self.near_six}/126", "dev", self.cable, "nodad"),
            ("ip", "link", "set", self.cable, "up"),
            (*inside, "address", "add", f"{self.address}/30", "dev", self.far_end),
            (*inside, "address", "add", f"{self.six}/126", "dev", self.far_end, "nodad"),
            (*inside, "link", "set", "lo", "up"),
            (*inside, "link", "set", self.far_end, "up"),
        ]:
            done = run(*command)
            assert done.returncode == 0, (command, done.stderr)
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.namespace, sys.executable, PROGRAM, self.address, self.six, self.near],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )
        assert self.process.stdout.readline() == "ready\n"
        return self

    @property
    def name_server(self):
        return f"{self.address}:{self.DNS}"

    def connections(self):
        """How many TCP connections to it stand, as it sees them."""
        listed = run("ip", "netns", "exec", self.namespace, "cat", "/proc/net/tcp", "/proc/net/tcp6").stdout
        established = "01"
        return sum(line.split()[3] == established for line in listed.splitlines() if "local_address" not in line)

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        # The cable goes with either end.
        run("ip", "link", "delete", self.cable)
        run("ip", "netns", "delete", self.namespace)
        wait_until(lambda: not Path("/sys/class/net", self.cable).exists(), "the cable is gone")

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()
