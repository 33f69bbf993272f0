"""Which environment an invocation gets: bursts, functions that invoke themselves, slow inits, and what happens to idle ones."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions import create, invoke, python
from languages import WISH, deploy
from sdks import with_boto3
from server import wait_until
from tier import TIER

pytestmark = pytest.mark.every_tier

# Calls itself as deep as the event says.
NESTED = """
    import json
    import boto3

    def handler(event, context):
        if event["depth"] == 0:
            return 0
        event["depth"] -= 1
        answer = boto3.client("lambda").invoke(FunctionName=context.function_name, Payload=json.dumps(event))
        return 1 + json.load(answer["Payload"])
"""


def test_functions_that_invoke_themselves(client):
    """Each waits for the next, and several at once for each other's environments."""
    function = create(client, with_boto3(NESTED), Timeout=60, MemorySize=512)
    assert invoke(client, function, {"depth": 0}).payload == 0
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: invoke(client, function, {"depth": 3}), range(4)))
    assert [(answer.error, answer.payload) for answer in answers] == [(None, 3)] * 4


def test_200_first_invocations_at_once(server, language):
    client = server.client()
    function = deploy(client, language, WISH, Timeout=60)
    barrier = threading.Barrier(200)

    def call(number):
        barrier.wait()
        return invoke(client, function, {"do": "sleep", "seconds": 1, "id": number})

    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(call, range(200)))
    assert [(answer.error, answer.payload["id"]) for answer in answers] == [(None, number) for number in range(200)]


def test_a_slow_init_holds_nobody_up(client):
    slow = create(client, python("import time\ntime.sleep(8)\ndef handler(event, context):\n    return 'slow'\n"), Timeout=60)
    quick = create(client, python("def handler(event, context):\n    return 'quick'\n"), Timeout=60)
    with ThreadPoolExecutor(12) as pool:
        waits = [pool.submit(invoke, client, slow) for _ in range(12)]
        answered = 0
        while not any(wait.done() for wait in waits):
            assert invoke(client, quick).payload == "quick"
            answered += 1
        assert [wait.result().payload for wait in waits] == ["slow"] * 12
    assert answered > 1


@pytest.mark.skipif(TIER != "sandbox", reason="only control groups of its own can be frozen")
def test_what_a_function_leaves_running_stands_still(server, client):
    """A thread that takes all the time it gets gets none after a while, and goes on with the next invocation."""
    code = """
        import ctypes, threading

        turns = 0

        def spin():
            global turns
            while True:
                turns += 1

        # PR_SET_NAME, by which it is found from outside.
        ctypes.CDLL(None).prctl(15, b"spins", 0, 0, 0)
        threading.Thread(target=spin, daemon=True).start()

        def handler(event, context):
            return turns
    """
    function = create(client, python(code), Timeout=60)
    first = invoke(client, function)
    assert first.error is None, first.payload
    spins = next(pid for pid in server.members() if read(f"/proc/{pid}/comm") == "spins\n")
    times = []

    def stands_still():
        times.append(read(f"/proc/{spins}/stat").rsplit(")", 1)[1].split()[11:13])
        return len(times) > 25 and times[-25:] == [times[-1]] * 25

    wait_until(stands_still, "the environment is frozen")
    assert invoke(client, function).payload > first.payload


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""
