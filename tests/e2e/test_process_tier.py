"""The tier `process`: no isolation, said loudly, and nothing outlives its function."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from functions import create, invoke, package, python
from server import BINARY, alive, clean_environment, wait_until
from tier import AS_NOBODY, TIER, process_options

pytestmark = [pytest.mark.every_tier, pytest.mark.skipif(TIER != "process", reason="for the tier process")]


def hearth(*arguments, wrapper=(), **variables):
    command = [*wrapper, str(BINARY), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=clean_environment(**variables), cwd="/",
                          timeout=60, **process_options())


def test_it_is_said_before_anything_is_served(server):
    warned = [number for number, line in enumerate(server.output) if line.startswith("WARNING")]
    ready = next(number for number, line in enumerate(server.output) if "listening on" in line)
    assert len(warned) > 3 and max(warned) < ready, server.output
    text = "\n".join(server.output[number] for number in warned)
    for what in ("NOT isolated", "run as you", "your network", "your processes", "data directory with its keys"):
        assert what in text, text
    with urllib.request.urlopen(f"{server.endpoint}/health") as answer:
        assert json.load(answer)["isolation"] == "process"


@pytest.mark.parametrize("arguments, variables", [
    (["--isolation", "process"], {}),
    ([], {"HEARTH_ISOLATION": "process"}),
])
def test_serve_refuses_it(tmp_path, arguments, variables):
    done = hearth("serve", "--listen", "127.0.0.1:0", "--data-dir", tmp_path / "data", *arguments, **variables)
    assert done.returncode == 64 and "is no isolation" in done.stderr, done
    assert not (tmp_path / "data").exists()


@pytest.fixture
def folder():
    """A folder that the user of the servers can read, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="hearth-e2e-") as directory:
        os.chmod(directory, 0o755)
        yield Path(directory)


def test_a_file_of_settings_does_not_bring_it_to_serve(folder):
    settings = folder / "hearth.toml"
    settings.write_text('isolation = "process"\n')
    done = hearth("serve", "--config", settings, "--listen", "127.0.0.1:0", "--data-dir", folder / "data")
    assert done.returncode == 64 and "is no isolation" in done.stderr, done


def run_in(folder, *arguments, **variables):
    command = [str(BINARY), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=clean_environment(**variables), cwd=folder,
                          timeout=60, **process_options())


@pytest.mark.parametrize("arguments", [["dev", "--ephemeral"], ["dev", "--ephemeral", "--config", "hearth.toml"],
                                       ["serve"], ["doctor"]])
def test_a_file_that_comes_with_a_project_does_not_choose_it(folder, arguments):
    (folder / "hearth.toml").write_text('isolation = "process"\n')
    (folder / "app.py").write_text("def handler(event, context):\n    return 1\n")
    listen = [] if arguments == ["doctor"] else ["--listen", "127.0.0.1:0"]
    done = run_in(folder, *arguments, *listen)
    assert done.returncode == 64, done
    assert "isolation in hearth.toml cannot be process" in done.stderr and "WARNING" not in done.stderr, done


def test_the_warning_names_what_chose_it(make_server):
    server = make_server(environment={"HEARTH_ISOLATION": "process"})
    server.start()
    assert any(line.startswith("WARNING: --isolation process: functions are NOT") for line in server.output)
    # A taken address ends it after the warning.
    taken = server.endpoint.removeprefix("http://")
    done = hearth("dev", "--ephemeral", "--listen", taken, HEARTH_ISOLATION="process")
    assert done.returncode == 69 and "WARNING: HEARTH_ISOLATION=process: functions are NOT" in done.stderr, done


def test_a_base_needs_walls():
    done = hearth("dev", "--ephemeral", "--isolation", "process", "--base-dir", "/", "--listen", "127.0.0.1:0")
    assert done.returncode == 64 and "base-dir needs a tier that isolates" in done.stderr, done


# The limit counts for a user namespace and all below it, so it can be set for these processes alone.
FORBID = ("unshare", "-Ur", "sh", "-c", "echo 0 > /proc/sys/user/max_user_namespaces && "
          'exec setpriv --bounding-set=-all "$@"', "sh")
can_forbid = pytest.mark.skipif(not shutil.which("setpriv"), reason="there is no setpriv")


@can_forbid
def test_where_nothing_else_works_it_is_named():
    done = hearth("dev", "--ephemeral", "--isolation", "rootless", "--listen", "127.0.0.1:0", wrapper=FORBID)
    assert done.returncode == 69 and "hearth dev --isolation process" in done.stderr, done
    assert "without any isolation" in done.stderr and "as you" in done.stderr
    assert "hearth dev --isolation process" in hearth("doctor", "--isolation", "rootless", wrapper=FORBID).stdout


@can_forbid
def test_it_works_where_namespaces_are_refused():
    command = [*FORBID, str(BINARY), "dev", "--ephemeral", "--isolation", "process", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/",
                               env=clean_environment(), **process_options())
    try:
        lines = iter(process.stdout.readline, "")
        endpoint = next(line.split("listening on ")[1].strip() for line in lines if "listening on " in line)
        client = boto3.client("lambda", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="test",
                              aws_secret_access_key="test", config=Config(retries={"max_attempts": 0}))
        name = create(client, python("def handler(event, context):\n    return event\n"))
        assert invoke(client, name, {"a": 1}).payload == {"a": 1}
    finally:
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(30) == 0


@pytest.mark.parametrize("policy", ["none", "api.example.com"])
def test_a_network_policy_is_refused(client, policy):
    code = python("def handler(event, context):\n    return 1\n")
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="cannot be held here"):
        create(client, code, Tags={"hearth:network": policy})
    name = create(client, code, Tags={"hearth:network": "allow"})
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="cannot be held here"):
        client.tag_resource(Resource=arn, Tags={"hearth:network": policy})
    assert invoke(client, name).payload == 1


# Leaves a process that has left its session, its group and its parent, and says which.
LEAVES = """
    import os, signal, tempfile, time

    def leave():
        read, write = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.write(write, str(os.getpid()).encode())
                while True:
                    signal.pause()
            os._exit(0)
        os.wait()
        return int(os.read(read, 20))

    def handler(event, context):
        if event.get("do") == "file":
            with open(event["file"], "w") as file:
                file.write(f"{leave()} {tempfile.mkdtemp()}")
            time.sleep(60)
        return {"pid": leave(), "directory": tempfile.mkdtemp(), "root": os.environ["LAMBDA_TASK_ROOT"]}
"""


def test_a_timeout_ends_what_a_function_started(server, client):
    name = create(client, python(LEAVES), Timeout=2)
    told = server.data_dir / "told"
    answer = invoke(client, name, {"do": "file", "file": str(told)})
    assert answer.payload["errorType"] == "Sandbox.Timedout"
    pid, directory = told.read_text().split()
    wait_until(lambda: not alive(int(pid)), "what it started is gone")
    wait_until(lambda: not os.path.exists(directory), "its temporary files are gone")


@pytest.mark.parametrize("who", ["launcher", "warden", "server"])
def test_nothing_outlives_a_killed_node(make_server, who):
    server = make_server().start()
    client = server.client()
    left = invoke(client, create(client, python(LEAVES))).payload
    members = server.members()
    assert alive(left["pid"]) and os.path.isdir(left["directory"])
    os.kill(server.process.pid if who == "launcher" else server.member(who), signal.SIGKILL)
    server.process.wait(30)
    everything = [*members, left["pid"]]
    wait_until(lambda: not any(alive(pid) for pid in everything), f"all of {everything} are gone")
    wait_until(lambda: not os.path.exists(left["directory"]), "its temporary files are gone")


def test_a_server_that_stops_leaves_no_file(make_server):
    server = make_server().start()
    client = server.client()
    left = invoke(client, create(client, python(LEAVES))).payload
    assert server.stop() == 0
    assert not alive(left["pid"])
    # <scratch>/e<number>/var/task
    scratch = Path(left["root"]).parents[2]
    assert not os.path.exists(left["directory"]) and not scratch.exists()


def test_functions_are_the_user_and_find_the_api(client):
    name = create(client, python("""
        import json, os, urllib.request

        def handler(event, context):
            with open("/proc/self/status") as file:
                status = file.read()
            api = os.environ["AWS_ENDPOINT_URL"]
            with urllib.request.urlopen(f"{api}/health") as answer:
                health = json.load(answer)
            return {"uid": os.getuid(), "namespaces": os.readlink("/proc/self/ns/pid"), "isolation": health["isolation"],
                    "privileges": "NoNewPrivs:\\t1" in status}
    """))
    seen = invoke(client, name).payload
    user = process_options().get("user", os.getuid())
    assert seen == {"uid": user, "namespaces": os.readlink("/proc/self/ns/pid"), "isolation": "process",
                    "privileges": True}


def test_the_code_of_a_package_is_as_it_was(server, client):
    """Python would write beside it."""
    code = {"app.py": "import other\ndef handler(event, context):\n    return other.X\n", "other.py": "X = 1\n"}
    assert invoke(client, create(client, package(code))).payload == 1
    trees = server.data_dir / "blobs/trees"
    assert list(trees.rglob("other.py")) and not list(trees.rglob("__pycache__"))


@pytest.mark.skipif(not AS_NOBODY and os.geteuid() == 0, reason="modes mean nothing to root")
def test_modes_keep_files_of_packages_from_being_written_to(make_server):
    server = make_server().start()
    client = server.client()
    name = create(client, python("""
        import os

        def handler(event, context):
            root = os.environ["LAMBDA_TASK_ROOT"]
            refused = []
            for directory, _, names in os.walk(root):
                for path in (os.path.join(directory, name) for name in names):
                    try:
                        open(path, "a")
                    except PermissionError:
                        refused.append(os.path.relpath(path, root))
            return sorted(refused)
    """))
    assert invoke(client, name).payload == ["app.py"]
    # Which does not keep the server from removing one that no function has any more.
    assert list((server.data_dir / "blobs/trees").iterdir())
    client.delete_function(FunctionName=name)
    server.stop()
    server.start()
    wait_until(lambda: not list((server.data_dir / "blobs/trees").iterdir()), "the package is gone")


def test_a_saved_file_is_run_by_the_next_invocation(make_server, folder):
    folder = folder / "hot"
    folder.mkdir()
    (folder / "app.py").write_text("def handler(event, context):\n    return 'old'\n")
    server = make_server().start([folder])
    client = server.client()
    wait_until(lambda: any("hot" in f["FunctionName"] for f in client.list_functions()["Functions"]), "it is deployed")
    client.get_waiter("function_active_v2").wait(FunctionName="hot", WaiterConfig={"Delay": 0.05})
    assert invoke(client, "hot").payload == "old"
    (folder / "app.py").write_text("def handler(event, context):\n    return 'new'\n")
    assert invoke(client, "hot").payload == "new"
    assert sorted(path.name for path in folder.iterdir()) == ["app.py"]
