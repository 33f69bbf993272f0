"""What Hearth is measured against: how each is installed, started, and asked to run a function that returns its event.

Installing uses the ordinary clients of the registries. Starting happens where only loopback can be reached.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from hearth import FUNCTIONS, packed
from wrk import EVENT

PATIENCE = 30


class Unavailable(Exception):
    """A peer cannot be installed or started here; the text says why."""


def install_by(command, directory, **environment):
    """Runs what installs something; the end of what it said where it fails."""
    if not shutil.which(command[0]):
        raise Unavailable(f"needs {command[0]}")
    ended = subprocess.run(command, cwd=directory, env=os.environ | environment, capture_output=True, text=True)
    if ended.returncode:
        said = (ended.stderr + ended.stdout).strip().splitlines() or ["without a word"]
        raise Unavailable(f"{command[0]} failed: {said[-1][:200]}")


def npm(directory, *packages):
    directory.joinpath("package.json").write_text('{"private": true}\n')
    install_by(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages], directory)


def pip(directory, *packages):
    install_by(["python3", "-m", "venv", "venv"], directory)
    install_by([str(directory / "venv/bin/pip"), "install", "--quiet", "--disable-pip-version-check", *packages], directory)


class Peer:
    """One of them. `version` is what is installed, and names its directory in the cache."""

    name = version = None
    # What a first answer is of: the start of the program, or the first invocation of a function in it.
    first_is_of = "program"

    def __init__(self, cache):
        self.installed = Path(cache, f"{type(self).__name__.lower()}-{self.version}")

    def ensure_installed(self):
        """Installs it, once."""
        if self.installed.joinpath("complete").exists():
            return
        shutil.rmtree(self.installed, ignore_errors=True)
        self.installed.mkdir(parents=True)
        self.install(self.installed)
        self.installed.joinpath("complete").touch()

    def install(self, directory):
        raise NotImplementedError

    def prepare(self, directory, port):
        """Writes what it needs into a directory of its own; the command, and variables of its environment."""
        raise NotImplementedError

    path = "/"

    def deploy(self, address):
        """Where functions are made through an API: makes one."""


class Workerd(Peer):
    name, version = "workerd", "1.20261117.1"

    def install(self, directory):
        npm(directory, f"workerd@{self.version}")

    def prepare(self, directory, port):
        directory.joinpath("worker.js").write_text(
            "export default { async fetch(request) { return Response.json(await request.json()); } };\n")
        directory.joinpath("config.capnp").write_text(f"""
            using Workerd = import "/workerd/workerd.capnp";
            const config :Workerd.Config = (
              services = [(name = "main", worker = (
                modules = [(name = "worker", esModule = embed "worker.js")], compatibilityDate = "2024-01-01"))],
              sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")]
            );
        """)
        programs = list(self.installed.glob("node_modules/@cloudflare/workerd-*/bin/workerd"))
        if not programs:
            raise Unavailable("there is no workerd for this machine")
        return [programs[0], "serve", "config.capnp"], {}


class FunctionsFramework(Peer):
    name, version = "functions-framework", "5.0.5"

    def install(self, directory):
        npm(directory, f"@google-cloud/functions-framework@{self.version}")

    def prepare(self, directory, port):
        directory.joinpath("index.js").write_text(
            "require('@google-cloud/functions-framework').http('echo', (request, response) => response.json(request.body));\n")
        directory.joinpath("node_modules").symlink_to(self.installed / "node_modules")
        return ["node_modules/.bin/functions-framework", "--target=echo", f"--port={port}"], {"NODE_ENV": "production"}


class CargoLambda(Peer):
    name, version = "cargo-lambda", "1.9.2"
    path = "/2015-03-31/functions/echo/invocations"
    first_is_of = "function"
    MANIFEST = """
        [package]
        name = "echo"
        version = "0.1.0"
        edition = "2021"
        [dependencies]
        lambda_runtime = { version = "1", default-features = false }
        serde_json = "1"
        tokio = { version = "1", features = ["macros", "rt"] }
        [workspace]
    """
    CODE = """
        use lambda_runtime::{Error, LambdaEvent, service_fn};
        use serde_json::Value;

        #[tokio::main(flavor = "current_thread")]
        async fn main() -> Result<(), Error> {
            lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async { Ok::<_, Error>(event.payload) })).await
        }
    """

    def install(self, directory):
        pip(directory, f"cargo-lambda=={self.version}")
        function = directory / "function"
        function.joinpath("src").mkdir(parents=True)
        function.joinpath("Cargo.toml").write_text(self.MANIFEST)
        function.joinpath("src/main.rs").write_text(self.CODE)
        install_by(["cargo", "build", "--release"], function, CARGO_TARGET_DIR=str(function / "target"))

    def prepare(self, directory, port):
        homes = {name: os.environ.get(name, str(Path.home() / place))
                 for name, place in (("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup"))}
        # Where it was built, or it would be built again.
        function = self.installed / "function"
        command = [self.installed / "venv/bin/cargo-lambda", "lambda", "watch", "--manifest-path", function / "Cargo.toml",
                   "--invoke-address", "127.0.0.1", "--invoke-port", str(port), "--release", "--ignore-changes"]
        return command, homes | {"CARGO_NET_OFFLINE": "true", "CARGO_TARGET_DIR": str(function / "target")}


class ServerlessOffline(Peer):
    name, version = "serverless-offline", "13.10.1"
    path = "/2015-03-31/functions/bench-dev-echo/invocations"
    # The last major version that asks for no login.
    SERVERLESS = "3.40.0"
    SERVICE = """
service: bench
frameworkVersion: "3"
provider: {name: aws, runtime: nodejs20.x}
plugins: [serverless-offline]
functions: {echo: {handler: index.handler}}
"""

    def install(self, directory):
        npm(directory, f"serverless@{self.SERVERLESS}", f"serverless-offline@{self.version}")

    def prepare(self, directory, port):
        directory.joinpath("serverless.yml").write_text(self.SERVICE)
        *_, file, code = FUNCTIONS["Node.js"]
        directory.joinpath(file).write_text(code)
        directory.joinpath("node_modules").symlink_to(self.installed / "node_modules")
        command = ["node", "node_modules/serverless/bin/serverless.js", "offline",
                   "--lambdaPort", str(port), "--httpPort", str(free_port())]
        silent = {"SLS_TELEMETRY_DISABLED": "1", "SLS_TRACKING_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off", "CI": "1"}
        return command, silent | {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class Ministack(Peer):
    version = "1.5.33"
    path = "/2015-03-31/functions/echo/invocations"
    first_is_of = "function"

    def __init__(self, cache, language):
        super().__init__(cache)
        self.name, self.function = f"ministack, {language}", FUNCTIONS[language]

    def install(self, directory):
        pip(directory, f"ministack=={self.version}")

    def prepare(self, directory, port):
        return [self.installed / "venv/bin/ministack"], {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"}

    def deploy(self, address):
        runtime, handler, file, code = self.function
        connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
        connection.request("POST", "/2015-03-31/functions", json.dumps({
            "FunctionName": "echo", "Runtime": runtime, "Handler": handler,
            "Role": "arn:aws:iam::000000000000:role/bench", "Code": {"ZipFile": packed({file: code})}}))
        response = connection.getresponse()
        if response.status >= 300:
            raise Unavailable(f"refuses the function: {response.read()[:200]}")
        connection.close()


def all_peers(cache):
    return [Workerd(cache), FunctionsFramework(cache), CargoLambda(cache), ServerlessOffline(cache),
            Ministack(cache, "Node.js"), Ministack(cache, "Python")]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


class Running:
    """A peer that has answered, in a directory and a process namespace of its own: all it started ends with it."""

    def __init__(self, peer):
        self.peer = peer
        self.directory = Path(tempfile.mkdtemp(prefix="hearth-bench-"))
        self.process = None
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        port = free_port()
        self.address = ("127.0.0.1", port)
        self.url = f"http://127.0.0.1:{port}{self.peer.path}"
        command, environment = self.peer.prepare(self.directory, port)
        base = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(self.directory), "TMPDIR": str(self.directory)}
        self.log = open(self.directory / "log", "w+")
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *command], cwd=self.directory,
            env=base | environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True,
        )
        self._wait_for_port()
        self.peer.deploy(self.address)
        if self.peer.first_is_of == "function":
            begun = time.perf_counter()
        self._first_answer()
        self.first_ms = (time.perf_counter() - begun) * 1000

    def _wait_for_port(self):
        until = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(self.address).close()
                return
            except ConnectionRefusedError:
                self._check(until)
                time.sleep(0.001)

    def _first_answer(self):
        until = time.monotonic() + PATIENCE
        while True:
            connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE)
            connection.request("POST", self.peer.path, EVENT, {"Content-Type": "application/json"})
            response = connection.getresponse()
            body = response.read()
            connection.close()
            if response.status == 200 and body.replace(b" ", b"") == EVENT.encode():
                return
            self._check(until, f"answers {response.status} {body[:100]}")
            time.sleep(0.001)

    def _check(self, until, why="does not answer"):
        if self.process.poll() is not None or time.monotonic() > until:
            self.log.seek(0)
            said = self.log.read().strip().splitlines()
            raise Unavailable(": ".join([why, *said[-1:]])[:200])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)
