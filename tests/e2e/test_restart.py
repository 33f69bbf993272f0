"""Stopping, starting, and what stays."""

import signal
import threading

from functions import create, invoke, python
from server import ROOT, wait_until

SLOW = "import time\ndef handler(event, context):\n    time.sleep(event['seconds'])\n    return 'done'\n"


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


def test_sigterm_lets_running_invocations_finish(make_server):
    server = make_server().start()
    client = server.client()
    name = create(client, python(SLOW), Timeout=30)
    invoke(client, name, {"seconds": 0})
    answers = []
    call = threading.Thread(target=lambda: answers.append(invoke(client, name, {"seconds": 2})))
    call.start()
    running = f"/aws/lambda/{name}"
    wait_until(lambda: starts(server, running) == 2 or call.is_alive(), "it runs")
    threading.Event().wait(0.5)
    assert server.stop(signal.SIGTERM) == 0
    call.join(30)
    assert answers and answers[0].payload == "done"


def starts(server, group):
    events = server.client("logs").filter_log_events(logGroupName=group)["events"]
    return sum(event["message"].startswith("START") for event in events)


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
