"""What the way of a function's connection through the server costs, measured against a host of the measurement's own: a
network namespace at the other end of a cable, with a server in it that answers every connection with one byte."""

import os
import shutil
import statistics
import subprocess
import sys

NAMESPACE, NEAR_END, FAR_END = f"hearth-bench-{os.getpid()}", f"hb{os.getpid()}", f"hc{os.getpid()}"
# RFC 2544 keeps these addresses for measurements.
NEAR, FAR, PORT = "198.19.255.253", "198.19.255.254", 7000
SERVE = f"""
import socket
with socket.create_server(("{FAR}", {PORT}), backlog=128) as server:
    print("ready", flush=True)
    while True:
        client, _ = server.accept()
        client.sendall(b"x")
        client.close()
"""
# Milliseconds from before the connection is made to the first byte of the answer.
CONNECT = """
import socket, time

def handler(event, context):
    samples = []
    for _ in range(event["rounds"]):
        begun = time.perf_counter()
        with socket.create_connection((event["host"], event["port"])) as client:
            client.recv(1)
            samples.append((time.perf_counter() - begun) * 1000)
    return samples
"""


def measure(server, rounds):
    """Medians in milliseconds, of connections made by a function and of those this process makes itself; None where
    this machine has no `ip` to make the other host with."""
    if not shutil.which("ip"):
        return None
    process = None
    try:
        for command in [
            f"netns add {NAMESPACE}", f"link add {NEAR_END} type veth peer name {FAR_END} netns {NAMESPACE}",
            f"address add {NEAR}/30 dev {NEAR_END}", f"link set {NEAR_END} up",
            f"-n {NAMESPACE} address add {FAR}/30 dev {FAR_END}", f"-n {NAMESPACE} link set {FAR_END} up",
        ]:
            subprocess.run(["ip", *command.split()], check=True)
        process = subprocess.Popen(
            ["ip", "netns", "exec", NAMESPACE, sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "ready\n"
        server.create("connect", "python3.11", "app.handler", "app.py", CONNECT)
        event = {"rounds": rounds, "host": FAR, "port": PORT}
        here = {}
        exec(CONNECT, here)
        for _ in range(2):
            # The first time nothing is warm.
            inside = server.request("POST", "/2015-03-31/functions/connect/invocations", event)
            direct = here["handler"](event, None)
        return statistics.median(inside), statistics.median(direct)
    finally:
        if process:
            process.kill()
            process.wait()
        subprocess.run(["ip", "link", "delete", NEAR_END], stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "netns", "delete", NAMESPACE], stderr=subprocess.DEVNULL)
