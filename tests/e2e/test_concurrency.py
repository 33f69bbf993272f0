"""Many invocations at once: every call gets its own answer, counts never drift, neighbours are not held up."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from functions import invoke
from languages import WISH, deploy
from server import wait_until

pytestmark = pytest.mark.every_tier


def test_200_at_once_with_timeouts_and_crashes(server, language):
    client = server.client()
    function = deploy(client, language, WISH, Timeout=20)
    dice = random.Random(7)
    wishes = [{"do": dice.choice(["sleep", "sleep", "exit", "raise", "hang"]), "id": n} for n in range(200)]
    for wish in wishes:
        wish |= {"sleep": {"seconds": dice.random()}, "exit": {"code": 1}, "hang": {"do": "sleep", "seconds": 60}}.get(
            wish["do"], {}
        ) | ({"hangs": True} if wish["do"] == "hang" else {})
    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda wish: invoke(client, function, wish), wishes))
    for wish, answer in zip(wishes, answers):
        if wish["do"] == "sleep" and not wish.get("hangs"):
            assert answer.payload["id"] == wish["id"], (wish, answer.payload)
        else:
            assert answer.error == "Unhandled", (wish, answer.payload)
            expected = {"exit": "Runtime.ExitError", "raise": "ValueError", "sleep": "Sandbox.Timedout"}[wish["do"]]
            assert answer.payload["errorType"] == expected
    # Nothing leaked: the whole reservation can be used again.
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=50)
    with ThreadPoolExecutor(50) as pool:
        again = list(pool.map(lambda n: invoke(client, function, {"do": "sleep", "seconds": 1, "id": n}), range(50)))
    assert [answer.payload["id"] for answer in again] == list(range(50))


def test_the_reservation_is_exact(server):
    client = server.client()
    function = deploy(client, "python", WISH, Timeout=30)
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=3)
    barrier = threading.Barrier(12)

    def call(_):
        barrier.wait()
        try:
            invoke(client, function, {"do": "sleep", "seconds": 3})
            return "ran"
        except ClientError as error:
            return error.response["Reason"]

    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(call, range(12)))
    assert sorted(results) == sorted(["ran"] * 3 + ["ReservedFunctionConcurrentInvocationLimitExceeded"] * 9)


def test_a_function_that_prints_without_end_slows_nobody(server):
    client = server.client()
    noisy = deploy(client, "python", WISH, Timeout=20)
    quiet = deploy(client, "python", WISH)
    invoke(client, quiet)
    with ThreadPoolExecutor(1) as pool:
        flood = pool.submit(invoke, client, noisy, {"do": "flood", "seconds": 4})
        answered = 0
        while not flood.done():
            assert invoke(client, quiet).error is None
            answered += 1
        assert flood.result().error is None
    assert answered > 20
    resident = wait_until(lambda: rss_mb(server.member("server")), "the server's memory is readable")
    assert resident < 300, f"{resident} MB"


def rss_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) // 1024


def test_code_of_an_update_is_never_mixed(server):
    """After an update's success no invocation runs old code, however many run at the time."""
    client = server.client()
    function = deploy(client, "python", {"python": "def handler(event, context):\n    return 0\n"})
    current, stop, wrong = [0], threading.Event(), []

    def caller():
        while not stop.is_set():
            least = current[0]
            got = invoke(client, function).payload
            if got < least:
                wrong.append((least, got))

    threads = [threading.Thread(target=caller) for _ in range(4)]
    for thread in threads:
        thread.start()
    from functions import python
    for number in range(1, 6):
        client.update_function_code(
            FunctionName=function, ZipFile=python(f"def handler(event, context):\n    return {number}\n")
        )
        client.get_waiter("function_updated_v2").wait(FunctionName=function, WaiterConfig={"Delay": 0.02})
        current[0] = number
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
