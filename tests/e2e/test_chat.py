"""The chatbot of examples/chat: its tokens arrive one by one, at boto3, curl, and behind a function URL."""

import json
import shutil
import subprocess
import time

import pytest

from event_stream import messages, path, stream
from functions import unique
from server import BINARY, ROOT, clean_environment

PAUSE_MS = 150
HELLO = {"message": "Hello, my name is Ada"}
ANSWER = "Nice to meet you, Ada! What would you like to talk about?"


@pytest.fixture(scope="module")
def chat(server):
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    name = unique("chat")
    command = [BINARY, "deploy", ROOT / "examples/chat", "--name", name, "--timeout", "30",
               "--env", f"TOKEN_PAUSE_MS={PAUSE_MS}", "--endpoint", server.endpoint]
    subprocess.run([str(part) for part in command], check=True, timeout=60, env=clean_environment())
    return name


def arrives_one_by_one(times):
    """Tokens that were written with pauses arrive with pauses; a few may catch one another up."""
    assert times[-1] - times[0] > PAUSE_MS / 1000 * (len(times) - 1) * 0.5


def curl(url, *arguments):
    """Starts curl and yields its output with the time it came."""
    running = subprocess.Popen(
        ["curl", "-sN", "--fail", "--max-time", "60", *arguments, url], stdout=subprocess.PIPE, bufsize=0
    )
    while piece := running.stdout.read(65536):
        yield piece
    assert running.wait(60) == 0


def test_tokens_reach_boto3(client, chat):
    answer = stream(client, chat, HELLO)
    assert (answer.body.decode(), answer.error) == (ANSWER, None)
    assert len(answer.chunks) == len(ANSWER.split())
    arrives_one_by_one(answer.at)


def test_tokens_reach_curl(server, chat):
    tokens, times = [], []
    for kind, payload in messages(curl(server.endpoint + path(chat), "-d", json.dumps(HELLO))):
        if kind == "PayloadChunk":
            tokens.append(payload.decode())
            times.append(time.monotonic())
    assert "".join(tokens) == ANSWER
    arrives_one_by_one(times)


def test_other_messages_are_answered(client, chat):
    for event, part in [
        ({"message": "What is love?"}, "good question"),
        ({"message": "I am tired today"}, "been tired today"),
        ({"message": "Bye"}, "Goodbye"),
        ({"message": "Rain."}, "tell me more"),
        ({}, "Send me"),
    ]:
        assert part in stream(client, chat, event).body.decode()


def test_tokens_come_through_a_function_url(server, client, chat):
    client.add_permission(
        FunctionName=chat, StatementId="url", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE"
    )
    client.add_permission(
        FunctionName=chat, StatementId="function", Action="lambda:InvokeFunction", Principal="*",
        InvokedViaFunctionUrl=True,
    )
    made = client.create_function_url_config(FunctionName=chat, AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    host = made["FunctionUrl"].split("//")[1].rstrip("/").split(":")[0]
    text, times = "", []
    for piece in curl(server.endpoint + "/", "-H", f"Host: {host}", "-d", json.dumps(HELLO)):
        text += piece.decode()
        times.append(time.monotonic())
    events = [json.loads(event.removeprefix("data: ")) for event in text.strip().split("\n\n")]
    assert "".join(event["token"] for event in events) == ANSWER
    arrives_one_by_one(times)
    head = subprocess.run(
        ["curl", "-s", "-D", "-", "-o", "/dev/null", "--max-time", "60", "-H", f"Host: {host}", "-d", "no json",
         server.endpoint + "/"], capture_output=True, text=True, timeout=60,
    )
    assert "400 Bad Request" in head.stdout and "content-type: text/event-stream" in head.stdout.lower()
