"""Event invocations: accepted once they are durable, tried three times, never lost."""

import json
import signal

import pytest

from functions import create, log_lines, python
from server import wait_until

pytestmark = pytest.mark.every_tier

FAIL = """
    def handler(event, context):
        print("attempt", event["id"], context.aws_request_id)
        if event.get("fail"):
            raise RuntimeError("again")
"""
FAST = ("--retry-delays", "100ms,200ms")


def attempts(logs, name, event):
    marker = f"attempt {event} "
    return [line.split(" ")[2] for line in log_lines(logs, name) if line.startswith(marker)]


def send(client, name, **event):
    answer = client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    assert "ExecutedVersion" not in answer
    return answer["ResponseMetadata"]["RequestId"]


@pytest.fixture
def fast(make_server):
    return make_server(args=FAST).start()


def test_an_event_runs_once_with_the_id_of_its_request(fast):
    client, logs = fast.client(), fast.client("logs")
    name = create(client, python(FAIL))
    request = send(client, name, id="one")
    wait_until(lambda: started(logs, name) and attempts(logs, name, "one") == [request], "the event ran")


def started(logs, name):
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    return bool(groups)


def test_a_failing_event_is_tried_three_times(fast):
    client, logs = fast.client(), fast.client("logs")
    name = create(client, python(FAIL))
    request = send(client, name, id="bad", fail=True)
    wait_until(lambda: started(logs, name) and len(attempts(logs, name, "bad")) == 3, "three attempts")
    send(client, name, id="after")
    wait_until(lambda: attempts(logs, name, "after"), "another event passes")
    assert attempts(logs, name, "bad") == [request] * 3


def test_events_survive_kill_9_at_any_moment(make_server):
    """Every event fails and is tried three times, because a crash may cost the log its last lines: the line of
    one attempt may be lost, that of all three only with the event."""
    server = make_server(args=FAST).start()
    name = create(server.client(), python(FAIL))
    accepted = {}
    for round_ in range(4):
        client = server.client()
        for number in range(25):
            event = f"{round_}-{number}"
            accepted[event] = send(client, name, id=event, fail=True)
        server.kill()
        server.start()
    logs = server.client("logs")

    def all_ran():
        lines = log_lines(logs, name) if started(logs, name) else []
        ran = {line.split(" ")[1] for line in lines if line.startswith("attempt ")}
        return ran >= set(accepted)

    wait_until(all_ran, "every accepted event ran", 60)


def test_a_throttled_event_waits(fast):
    client, logs = fast.client(), fast.client("logs")
    name = create(client, python(FAIL))
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    request = send(client, name, id="late")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    wait_until(lambda: started(logs, name) and attempts(logs, name, "late") == [request], "it ran later")


def test_events_of_a_stopped_server_run_after_the_restart(make_server):
    server = make_server(args=("--retry-delays", "1s,1s")).start()
    client = server.client()
    name = create(client, python(FAIL))
    request = send(client, name, id="twice", fail=True)
    logs = server.client("logs")
    wait_until(lambda: started(logs, name) and attempts(logs, name, "twice"), "the first attempt")
    server.stop(signal.SIGTERM)
    server.start()
    logs = server.client("logs")
    wait_until(lambda: len(attempts(logs, name, "twice")) >= 2, "the next attempt")
    assert set(attempts(logs, name, "twice")) == {request}
