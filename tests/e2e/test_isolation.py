"""Attacks on the platform from inside a function, through the whole product."""

from concurrent.futures import ThreadPoolExecutor

import pytest

import server as servers
from functions import create, invoke, package, python
from languages import RUNTIME
from server import descendants, wait_until
from tier import TIER

pytestmark = [pytest.mark.every_tier, pytest.mark.walls]

PROBE = """
    import os, socket, subprocess

    def attempt(action):
        try:
            return repr(action())
        except BaseException as error:
            return None

    def handler(event, context):
        what = event["what"]
        if what == "read":
            return attempt(lambda: open(event["path"], "rb").read(64))
        if what == "write":
            return attempt(lambda: open(event["path"], "w").write("x"))
        if what == "connect":
            return attempt(lambda: socket.create_connection((event["host"], event["port"]), 2))
        if what == "run":
            done = subprocess.run(event["command"], capture_output=True, text=True)
            return [done.returncode, done.stdout + done.stderr]
        if what == "list":
            return attempt(lambda: os.listdir(event["path"]))
        if what == "id":
            return {"uid": os.getuid(), "groups": os.getgroups(), "pids": [p for p in os.listdir("/proc") if p.isdigit()],
                    "cwd": os.getcwd(), "env": dict(os.environ), "caps": open("/proc/self/status").read()}
"""


@pytest.fixture(scope="module")
def probe(client):
    name = create(client, python(PROBE), Timeout=20, MemorySize=256)
    return lambda what, **more: invoke(client, name, {"what": what} | more).payload


@pytest.mark.parametrize("path", ["/etc/shadow", "/root/.bashrc", "/proc/1/environ", "/proc/1/root/etc/shadow",
                                  "/sys/class/net/lo/address", "/dev/vda", "/dev/mem"])
def test_host_files_cannot_be_read(probe, path):
    assert probe("read", path=path) is None


def test_the_data_directory_cannot_be_seen(probe, server):
    assert probe("list", path=str(server.data_dir)) is None


@pytest.mark.parametrize("path", ["/var/task/x", "/opt/x", "/etc/x", "/usr/x", "/var/runtime/x", "/x", "/proc/sys/kernel/core_pattern"])
def test_only_tmp_is_writable(probe, path):
    assert probe("write", path=path) is None
    assert probe("write", path="/tmp/x") == "1"


def test_the_hosts_loopback_is_out_of_reach(probe, server):
    port = int(server.endpoint.rsplit(":", 1)[1])
    assert probe("connect", host="127.0.0.1", port=port) is None


def test_the_identity_is_a_nobodys(probe):
    identity = probe("id")
    assert identity["uid"] != 0 and identity["groups"] == [] and identity["cwd"] == "/var/task"
    assert len(identity["pids"]) <= 3
    assert "CapEff:\t0000000000000000" in identity["caps"] and "NoNewPrivs:\t1" in identity["caps"]
    environment = identity["env"]
    assert environment["LAMBDA_TASK_ROOT"] == "/var/task" and environment["TZ"] == ":UTC"
    assert not [name for name in environment if name.startswith("HEARTH")]


def test_privileges_cannot_be_regained(probe):
    for command in (["su", "-c", "id"], ["unshare", "-Ur", "id"], ["mount", "-t", "tmpfs", "x", "/tmp"]):
        code, text = probe("run", command=["sh", "-c", "exec " + " ".join(command)])
        assert code != 0 and "uid=0" not in text, (command, text)


def test_functions_cannot_see_each_other(client, probe):
    secret = create(client, package({"app.py": "def handler(e, c):\n    open('/tmp/secret', 'w').write('s')\n"}))
    invoke(client, secret)
    assert probe("read", path="/tmp/secret") is None


def test_a_fork_bomb_is_contained(server, client):
    bomb = create(client, python("""
        import os, time

        def handler(event, context):
            while True:
                try:
                    os.fork()
                except OSError:
                    time.sleep(0.01)
    """), Timeout=5, MemorySize=1769)
    calm = create(client, python("def handler(event, context):\n    return 1\n"), Timeout=60)
    with ThreadPoolExecutor() as pool:
        exploding = pool.submit(invoke, client, bomb)
        wait_until(lambda: exploding.done() or len(descendants(server.process.pid)) > 500, "there are many processes")
        answered_meanwhile = 0
        while not exploding.done():
            assert invoke(client, calm).payload == 1
            answered_meanwhile += not exploding.done()
        answer = exploding.result()
    assert answer.error == "Unhandled"
    assert answer.payload["errorType"] == "Sandbox.Timedout"
    assert answered_meanwhile > 0
    assert invoke(client, calm).payload == 1
    # The kernel ends them all, but not at once.
    wait_until(lambda: len(descendants(server.process.pid)) < 200, "the processes of the bomb have ended")


# Keeps the data, where only the server sees it, on a file system that cannot show files as another user's.
DATA_ON_RAMFS = """#!/bin/sh
exec unshare --mount sh -c 'mount -t ramfs ramfs "$0" && exec "$@"' "{data}" "{binary}" "$@"
"""


@pytest.mark.skipif(TIER != "sandbox", reason="without root no owner is translated")
def test_code_is_shown_as_the_servers_where_owners_cannot_be_translated(make_server, monkeypatch, tmp_path):
    data, program = tmp_path / "data", tmp_path / "hearth"
    data.mkdir()
    program.write_text(DATA_ON_RAMFS.format(data=data, binary=servers.BINARY))
    program.chmod(0o755)
    monkeypatch.setattr(servers, "BINARY", program)
    client = make_server(data_dir=data).start().client()
    name = create(client, python("""
        import os

        def handler(event, context):
            try:
                open("/var/task/app.py", "a")
            except OSError as error:
                return [os.stat("/var/task/app.py").st_uid, os.getuid(), error.strerror]
    """))
    owner, user, error = invoke(client, name).payload
    assert owner not in (0, user)
    assert error in ("Read-only file system", "Permission denied")


def test_a_full_tmp_hurts_nobody_else(client):
    name = create(client, python("""
        def handler(event, context):
            written = 0
            try:
                with open("/tmp/fill", "wb") as file:
                    while True:
                        written += file.write(b"x" * 1048576)
            except OSError as error:
                return [written // 1048576, error.strerror]
    """), Timeout=60)
    answer = invoke(client, name)
    assert answer.error is None, answer.payload
    assert 500 <= answer.payload[0] <= 512 and answer.payload[1] == "No space left on device"


def test_symlinks_in_the_package_lead_nowhere(client):
    import io
    import stat
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return open('/var/task/link').read()\n")
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/shadow")
    from botocore.exceptions import ClientError
    try:
        name = create(client, buffer.getvalue(), runtime=RUNTIME["python"])
    except ClientError as error:
        assert "Could not unzip uploaded file" in error.response["Error"]["Message"]
    else:
        assert invoke(client, name).error == "Unhandled"
