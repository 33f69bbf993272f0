"""What is counted: as reports say it, once, and also across a server's end at any moment."""

import csv
import io
import json
import os
import pty
import re
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from functions import create, invoke, python
from server import BINARY, clean_environment, wait_until

pytestmark = pytest.mark.every_tier

ANSWER = python("""
    import time

    def handler(event, context):
        if event.get("raise"):
            raise ValueError("no")
        time.sleep(event.get("sleep", 0))
        return event
""")
# What was answered longer ago than this survives a kill.
KEPT = 1.0


def run(server, *args):
    key = dict(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    if server.mode == "serve":
        key = dict(zip(key, server.root_key()))
    return subprocess.run(
        [str(BINARY), "usage", "--endpoint", server.endpoint, *args],
        capture_output=True, text=True, timeout=60, env=clean_environment(**key), cwd="/",
    )


def usage(server, *args):
    done = run(server, "--json", *args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def of(server, name, *args):
    return next((line for line in usage(server, *args) if line["function"] == name), None)


def test_usage_is_what_the_reports_say(server, client):
    name = create(client, ANSWER, MemorySize=256)
    reports = [invoke(client, name, event).log for event in ({}, {}, {"raise": True}, {"sleep": 0.05})]
    billed = [int(re.search(r"Billed Duration: (\d+) ms", log).group(1)) for log in reports]
    used = of(server, name)
    assert (used["requests"], used["errors"], used["throttles"], used["coldStarts"]) == (4, 1, 0, 1)
    assert used["gbSeconds"] == pytest.approx(sum(billed) * 256 / 1024 / 1000)
    assert 0 < used["initGbSeconds"] < used["gbSeconds"]
    assert used["cost"] == pytest.approx(used["gbSeconds"] * 0.0000166667 + 4 * 0.0000002)


def test_cpu_time_is_counted_when_an_environment_ends(server, client):
    name = create(client, python("""
        import time

        def handler(event, context):
            begun = time.process_time()
            while time.process_time() - begun < 0.3:
                pass
    """))
    invoke(client, name)
    client.update_function_configuration(FunctionName=name, Description="another")
    used = wait_until(lambda: of(server, name)["cpuSeconds"], "the environment has ended")
    assert used >= 0.3


def test_a_timeout_costs_its_time(server, client):
    name = create(client, ANSWER, Timeout=1, MemorySize=1024)
    invoke(client, name)
    before = of(server, name)
    assert invoke(client, name, {"sleep": 60}).error
    after = of(server, name)
    assert after["errors"] == before["errors"] + 1
    assert after["gbSeconds"] - before["gbSeconds"] == pytest.approx(1.0)


def test_what_is_refused_is_counted_and_costs_nothing(server, client):
    name = create(client, ANSWER)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequests"):
        invoke(client, name)
    used = of(server, name)
    assert (used["requests"], used["throttles"], used["cost"]) == (0, 1, 0)


def test_versions_hours_and_forms(server, client):
    name = create(client, ANSWER)
    version = client.publish_version(FunctionName=name)["Version"]
    client.get_waiter("function_active_v2").wait(FunctionName=f"{name}:{version}", WaiterConfig={"Delay": 0.05})
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    for target in (name, f"{name}:{version}", f"{name}:live"):
        invoke(client, target)
    versions = {u["version"]: u["requests"] for u in usage(server, "--by", "version") if u["function"] == name}
    assert versions == {"$LATEST": 1, version: 2}
    hours = usage(server, "--by", "hour")
    assert all(u["hour"] % 3600 == 0 and u["hour"] <= time.time() for u in hours)
    assert sum(u["requests"] for u in hours) == sum(u["requests"] for u in usage(server))
    rows = list(csv.DictReader(io.StringIO(run(server, "--csv").stdout)))
    assert {row["function"]: int(row["requests"]) for row in rows}[name] == 3
    text = run(server, "--since", "2020-01-01")
    assert text.returncode == 0 and name in text.stdout and "requests per hour" not in text.stdout
    bad = run(server, "--since", "yesterday")
    assert bad.returncode != 0 and "2026-11-25" in bad.stderr


def test_a_terminal_gets_a_plot(server, client):
    invoke(client, create(client, ANSWER))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(BINARY), "usage", "--endpoint", server.endpoint], stdout=theirs, stderr=theirs, stdin=theirs,
        env=clean_environment(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test"), cwd="/",
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        written += piece
    os.close(ours)
    assert process.wait() == 0
    assert "requests per hour" in written.decode() and "█" in written.decode()


def test_a_stop_loses_nothing(make_server):
    server = make_server().start()
    client = server.client()
    name = create(client, ANSWER)
    for _ in range(5):
        invoke(client, name)
    server.stop()
    server.start()
    client = server.client()
    assert of(server, name)["requests"] == 5
    invoke(client, name)
    assert of(server, name)["requests"] == 6


@pytest.mark.parametrize("after", [0.05, 0.7, 1.3])
def test_a_kill_loses_only_the_last_second_and_counts_nothing_twice(make_server, after):
    server = make_server().start()
    client = server.client()
    name = create(client, ANSWER)
    answered, sent = [], []
    lock, ending = threading.Lock(), threading.Event()

    def call():
        while not ending.is_set():
            with lock:
                sent.append(1)
            try:
                invoke(client, name)
            except (ClientError, BotoCoreError):
                return
            with lock:
                answered.append(time.monotonic())

    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(call) for _ in range(4)]
        wait_until(lambda: len(answered) > 20, "invocations are answered")
        begun = time.monotonic()
        wait_until(lambda: time.monotonic() - begun > after, "some time has passed")
        killed = time.monotonic()
        server.kill()
        ending.set()
        [call.result() for call in calls]
    kept = [at for at in answered if at < killed - KEPT]
    server.start()
    counted = (of(server, name) or {"requests": 0})["requests"]
    assert len(kept) <= counted <= len(sent)
    # It goes on from there, also over another kill.
    client = server.client()
    for _ in range(3):
        invoke(client, name)
    assert of(server, name)["requests"] == counted + 3
    server.stop()
    server.start()
    assert of(server, name)["requests"] == counted + 3


def test_strangers_learn_nothing(make_server):
    server = make_server(mode="serve").start()
    assert usage(server) == []
    key = dict(AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY="wrong")
    done = subprocess.run([str(BINARY), "usage", "--endpoint", server.endpoint, "--json"], capture_output=True,
                          text=True, env=clean_environment(**key), cwd="/")
    assert done.returncode != 0 and done.stdout == ""
