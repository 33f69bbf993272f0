"""A Hearth server of a measurement's own, and invocations of functions in it."""

import base64
import http.client
import io
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import processes

ROOT = Path(__file__).resolve().parent.parent
BINARY = ROOT / "target/release/hearth"
FUNCTIONS = {
    "Node.js": ("nodejs20.x", "index.handler", "index.js", "exports.handler = async (event) => event;\n"),
    "Python": ("python3.11", "app.handler", "app.py", "def handler(event, context):\n    return event\n"),
}

BOOTSTRAP = """#!/usr/bin/python3
import http.client, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
path = "/2018-06-01/runtime/invocation/"
while True:
    api.request("GET", path + "next")
    event = api.getresponse()
    body = event.read()
    api.request("POST", path + event.headers["Lambda-Runtime-Aws-Request-Id"] + "/response", body=body)
    api.getresponse().read()
"""
# Its own bootstrap, on the Python of the base.
CUSTOM = "custom runtime"
OTHERS = {CUSTOM: ("provided.al2023", "any", "bootstrap", BOOTSTRAP)}


def machine():
    """The machine and the day, for the line above a table."""
    models = re.search(r"^model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text(), re.M)
    model = models.group(1) if models else platform.machine()
    return f"machine: {os.cpu_count()} CPUs ({model}), Linux {platform.release()}, {time.strftime('%Y-%m-%d')}"


def packed(files):
    """A package of files by their names, as the API takes it. All may be executed."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100755 << 16
            package.writestr(entry, text)
    return base64.b64encode(archive.getvalue()).decode()


class Server:
    """A `hearth dev` of the measurement's own."""

    def __init__(self, binary, *flags, directory=None, user=None):
        self.directory = directory or tempfile.mkdtemp(prefix="hearth-bench-")
        if user is not None:
            os.chown(self.directory, user, user)
        self.keeps_directory = directory is not None
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "HEARTH_", "NODE_"))}
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            # Beside the folders that are to be shown.
            [Path(binary).resolve(), "dev", "--listen", "127.0.0.1:0", "--data-dir", f"{self.directory}/data", *flags],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=kept, cwd=self.directory,
            user=user, group=user, extra_groups=None if user is None else [],
        )
        try:
            self._wait_until_ready()
        except BaseException:
            # Whoever interrupts this has nothing to close.
            self.close()
            raise
        self.ready_ms = (time.perf_counter() - begun) * 1000
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def _wait_until_ready(self):
        for line in self.process.stdout:
            found = re.search(r"listening on http://([\d.]+):(\d+)", line)
            if found:
                self.address = (found.group(1), int(found.group(2)))
                break
        else:
            raise RuntimeError("the server does not start")
        connection = self.connect()
        connection.request("GET", "/health")
        connection.getresponse().read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def connect(self):
        return http.client.HTTPConnection(*self.address)

    def request(self, method, path, body=None):
        connection = self.connect()
        connection.request(method, path, body=json.dumps(body) if body is not None else None)
        response = connection.getresponse()
        text = response.read()
        assert response.status < 300, text
        return json.loads(text) if text else None

    def invoke_url(self, name):
        return "http://{}:{}".format(*self.address) + f"/2015-03-31/functions/{name}/invocations"

    def create(self, name, runtime, handler, file, code, **more):
        self.create_function(name, runtime, handler, {"ZipFile": packed({file: code})}, **more)

    def create_function(self, name, runtime, handler, code, **more):
        self.request("POST", "/2015-03-31/functions", {
            "FunctionName": name, "Runtime": runtime, "Handler": handler,
            "Role": "arn:aws:iam::000000000000:role/bench", "Code": code, **more,
        })
        while self.request("GET", f"/2015-03-31/functions/{name}/configuration")["State"] != "Active":
            time.sleep(0.005)

    def memory_mib(self):
        """Resident memory of launcher, warden and server, each."""
        return {role: processes.memory_mib(pid) for role, pid in processes.roles(self.process.pid).items()}

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            # Somebody would not wait, or waited too long.
            self.process.kill()
            self.process.wait()
            if not self.keeps_directory:
                shutil.rmtree(self.directory, ignore_errors=True)


def invoke(connection, name):
    begun = time.perf_counter()
    connection.request("POST", f"/2015-03-31/functions/{name}/invocations", body='{"n":1}')
    response = connection.getresponse()
    body = response.read()
    took = (time.perf_counter() - begun) * 1000
    assert response.status == 200 and body.replace(b" ", b"") == b'{"n":1}', body
    return took


def quantiles(samples):
    ordered = sorted(samples)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def first(server, name, function, files=None, pause=0.0):
    """The first invocation of a function nobody has called, on a new connection; the request's whole way, in
    milliseconds. `pause` lets the server boot the next interpreter before it."""
    runtime, handler, file, code = function
    server.create_function(name, runtime, handler, {"ZipFile": packed(files or {file: code})})
    time.sleep(pause)
    connection = server.connect()
    connection.connect()
    took = invoke(connection, name)
    connection.close()
    server.request("DELETE", f"/2015-03-31/functions/{name}")
    return took


def cold(server, language, rounds, pause=0.0):
    """First invocations of functions nobody has called."""
    function = (FUNCTIONS | OTHERS)[language]
    return quantiles([first(server, f"cold-{number}", function, pause=pause) for number in range(rounds)])


def warm(server, language, rounds):
    runtime, handler, file, code = (FUNCTIONS | OTHERS)[language]
    name = f"warm-{runtime.split('.')[0]}"
    server.create(name, runtime, handler, file, code)
    connection = server.connect()
    for _ in range(50):
        invoke(connection, name)
    return quantiles([invoke(connection, name) for _ in range(rounds)])


def interpreters(binary):
    """The interpreter of each runtime that the server found, by the runtime's identifier."""
    told = subprocess.run([binary, "doctor"], capture_output=True, text=True).stdout
    return dict(re.findall(r"^  ((?:nodejs|python)\S+)\s+\S+\s+(/\S+)", told, re.M))
