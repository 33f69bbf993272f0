"""Stopping, starting, and what stays."""

import signal
import threading

import pytest
from botocore.exceptions import BotoCoreError

from functions import create, create_in_place, invoke, log_lines, python
from server import ROOT, wait_until

WAITS = """
import os, time

def handler(event, context):
    while not os.path.exists('/var/task/go'):
        time.sleep(0.01)
    return 'done'
"""


def test_the_same_data_directory_keeps_everything(make_server):
    server = make_server().start()
    name = create(server.client(), python("def handler(event, context):\n    return 'kept'\n"), Tags={"a": "b"})
    server.client().put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
    before = server.client().get_function(FunctionName=name)
    assert server.stop() == 0
    server.start()
    after = server.client().get_function(FunctionName=name)
    assert after["Configuration"] == before["Configuration"] and after["Tags"] == before["Tags"]
    assert after["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert invoke(server.client(), name).payload == "kept"


@pytest.fixture
def running(make_server, tmp_path):
    """A server with an invocation that runs until there is a file `go`, and what that comes to."""
    (tmp_path / "app.py").write_text(WAITS)
    server = make_server(args=["--allow-folder", tmp_path]).start()
    client, logs = server.client(), server.client("logs")
    name = create_in_place(client, tmp_path, Timeout=60)
    outcome = []

    def call():
        try:
            outcome.append(invoke(client, name).payload)
        except BotoCoreError as error:
            outcome.append(error)

    calling = threading.Thread(target=call)
    calling.start()
    wait_until(lambda: logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"], "there is a log")
    wait_until(lambda: any(line.startswith("START") for line in log_lines(logs, name)), "it runs")
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: any("stopping" in line for line in server.output), "the server is told")
    yield server, outcome, calling
    calling.join(60)


def test_sigterm_lets_running_invocations_finish(running, tmp_path):
    server, outcome, calling = running
    (tmp_path / "go").touch()
    assert server.process.wait(30) == 0
    calling.join(30)
    assert outcome == ["done"]


def test_a_second_signal_ends_them(running):
    server, outcome, calling = running
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(30) == 128 + signal.SIGKILL
    calling.join(30)
    assert isinstance(outcome[0], BotoCoreError), outcome


def test_two_servers_do_not_share_a_directory(make_server):
    first = make_server().start()
    second = make_server(data_dir=first.data_dir)
    try:
        second.start()
    except AssertionError as refused:
        assert "in use" in str(refused) or "lock" in str(refused), refused
    else:
        raise AssertionError("the second server started")


def test_the_hello_example(make_server):
    server = make_server().start(directories=[ROOT / "examples/hello"])
    client = server.client()
    wait_until(lambda: len(client.list_functions()["Functions"]) == 2, "both functions are deployed")
    for function in client.list_functions()["Functions"]:
        client.get_waiter("function_active_v2").wait(
            FunctionName=function["FunctionName"], WaiterConfig={"Delay": 0.05}
        )
        answer = invoke(client, function["FunctionName"], {"name": "Ada"})
        assert answer.error is None and "Ada" in answer.raw.decode(), answer.payload


def test_bad_settings_exit_64_before_a_port_opens(sandbox_tier, tmp_path):
    import subprocess

    from server import BINARY, clean_environment

    cases = [
        (["dev", "--listen", "0.0.0.0:0"], {}, "loopback"),
        (["dev", "--keep-alive", "soon"], {}, "keep-alive"),
        (["serve"], {"HEARTH_NO_SUCH_KEY": "1"}, "HEARTH_NO_SUCH_KEY"),
    ]
    for arguments, environment, word in cases:
        done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, cwd=tmp_path, timeout=30,
                              env=clean_environment(**environment))
        assert done.returncode == 64 and word in done.stderr, (arguments, done)
    (tmp_path / "hearth.toml").write_text("no-such-key = 1\n")
    done = subprocess.run([BINARY, "serve"], capture_output=True, text=True, cwd=tmp_path, timeout=30,
                          env=clean_environment())
    assert done.returncode == 64 and "no-such-key" in done.stderr
