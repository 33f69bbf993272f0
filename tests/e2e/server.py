"""A Hearth server of the test's own: free port, own data directory, nothing left behind."""

import configparser
import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import boto3
from botocore.config import Config

from tier import TIER, give, process_options, reachable

ROOT = Path(__file__).resolve().parents[2]
BINARY = reachable(Path(os.environ.get("HEARTH_BIN", ROOT / "target/debug/hearth")))
READY_SECONDS = 30
STOP_SECONDS = 30
# Ranges of users for servers: so many for each of so many workers.
FIRST_USER, USERS, SERVERS, WORKERS = 1_920_000_000, 4096, 2048, 24
COUNTER = itertools.count()


def wait_until(condition, what, seconds=30):
    """Waits until a condition holds and returns its value; fails with `what` if it never does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"still not so after {seconds} s: {what}")


def clean_environment(**extra):
    """The variables a server or a client starts with: nothing of the tester's AWS or Hearth settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "HEARTH_", "NODE_"))}
    return kept | {k: str(v) for k, v in extra.items()}


def users_of_its_own():
    """A range of user numbers that no other server of these tests has, nor one with the default range."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    first = FIRST_USER + (worker * SERVERS + next(COUNTER) % SERVERS) * USERS
    return f"{first}-{first + USERS - 1}"


class Server:
    """`hearth dev` or `hearth serve` as a child process, which may open at most `files` files."""

    def __init__(self, mode="dev", args=(), data_dir=None, environment=None, files=None):
        self.mode = mode
        self.args = [str(a) for a in args]
        self.owns_data = data_dir is None
        self.data_dir = Path(data_dir or tempfile.mkdtemp(prefix="hearth-e2e-"))
        # The kernel counts the processes of a user, so servers that run at the same time have users of their own.
        self.users = ["--uid-range", users_of_its_own()] if TIER == "sandbox" else []
        # Without these the data directory is its working directory alone.
        self.data_args = ["--data-dir", self.data_dir]
        self.environment = environment or {}
        self.limited = ("sh", "-c", f'ulimit -n {files} && exec "$0" "$@"') if files else ()
        give(self.data_dir)
        self.process = None
        self.endpoint = None
        self.output = []

    def start(self, directories=()):
        command = [*self.limited, BINARY, self.mode, "--listen", "127.0.0.1:0", *self.data_args, "--isolation", TIER,
                   *self.users]
        self.process = subprocess.Popen(
            [str(c) for c in (*command, *self.args, *directories)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean_environment(**self.environment),
            cwd=self.data_dir,
            **process_options(),
        )
        self.output = []
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()
        self.endpoint = wait_until(self._announced, "the server announces its address", READY_SECONDS)
        return self

    def _read(self, process):
        for line in process.stdout:
            self.output.append(line.rstrip("\n"))

    def _announced(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n" + "\n".join(self.output))
        for line in list(self.output):
            match = re.search(r"listening on (http://\S+)", line)
            if match:
                return match.group(1)
        return None

    def stop(self, how=signal.SIGTERM):
        """Stops the launcher with a signal, waits for it and returns its exit status."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(STOP_SECONDS) if self.process else None

    def kill(self):
        """`kill -9` of the launcher; returns when all of its processes are gone."""
        members = self.members()
        self.stop(signal.SIGKILL)
        wait_until(lambda: not any(alive(pid) for pid in members), f"all of {members} are gone")

    def members(self):
        """The launcher and everything below it."""
        return descendants(self.process.pid)

    def member(self, role):
        """The process id of the `warden` or the `server`."""
        for pid in self.members():
            if role in command_line(pid)[1:2]:
                return pid
        raise AssertionError(f"no {role} among {[command_line(pid) for pid in self.members()]}")

    def close(self):
        try:
            if self.process and self.process.poll() is None:
                members = self.members()
                self.stop()
                wait_until(lambda: not any(alive(pid) for pid in members), f"all of {members} are gone")
        finally:
            if self.process and self.process.poll() is None:
                self.process.kill()
            if self.owns_data:
                shutil.rmtree(self.data_dir, ignore_errors=True)

    def client(self, service="lambda", region="us-east-1", key="test", secret="test", **config):
        """A boto3 client that talks to this server."""
        session = boto3.session.Session(
            aws_access_key_id=key, aws_secret_access_key=secret, region_name=region
        )
        settings = {
            "retries": {"max_attempts": 0}, "read_timeout": 120, "max_pool_connections": 250,
            # What is wrong with a request is for the server to say.
            "parameter_validation": False,
        } | config
        return session.client(service, endpoint_url=self.endpoint, config=Config(**settings))

    def root_key(self):
        """The access key of the account, id and secret, from the profile that `hearth serve` writes."""
        parser = configparser.ConfigParser()
        parser.read(self.data_dir / "profile")
        section = parser["hearth"]
        return section["aws_access_key_id"], section["aws_secret_access_key"]

    def root_client(self, **settings):
        """A boto3 client that talks to this server as the account itself."""
        key, secret = self.root_key()
        return self.client(key=key, secret=secret, **settings)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def descendants(pid):
    """A process and all that came from it, by the kernel's parent links."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        current = waiting.pop()
        found.append(current)
        waiting.extend(children.get(current, []))
    return found
