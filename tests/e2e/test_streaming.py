"""Responses that reach the client while the function runs: boto3, the AWS SDK for JavaScript and curl."""

import json
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from event_stream import messages, path, request, stream
from functions import create, invoke, log_lines, node, python
from server import wait_until

pytestmark = pytest.mark.every_tier

MIB = 1024 * 1024
LIMIT = 200 * MIB

# Does what the event says, and keeps count of its invocations.
STREAMS = """
const { setTimeout: sleep } = require('node:timers/promises');

let invocations = 0;
const steps = {
  write: (stream, text) => void stream.write(text),
  http: (stream, metadata) => void awslambda.HttpResponseStream.from(stream, metadata),
  type: (stream, type) => stream.setContentType(type),
  sleep: (stream, ms) => sleep(ms),
  count: (stream) => void stream.write(String(invocations)),
  throw: (stream, message) => { throw new RangeError(message); },
  exit: (stream, status) => process.exit(status),
  print: (stream, text) => console.log(text),
  hog: () => { const kept = []; for (;;) kept.push(Buffer.alloc(4 << 20, 1)); },
  fill: async (stream, bytes) => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    for (let left = bytes; left > 0; left -= chunk.length) {
      if (!stream.write(chunk.subarray(0, left))) {
        await new Promise((resolve) => stream.once('drain', resolve));
      }
    }
    console.log('wrote', bytes);
  },
  end: (stream) => new Promise((resolve) => stream.end(resolve)),
};

exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  invocations += 1;
  for (const [step, value] of event) {
    await steps[step](stream, value);
  }
  stream.end();
});
"""


@pytest.fixture(scope="module")
def function(client):
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    return create(client, node(STREAMS), runtime="nodejs20.x", Timeout=60)


def counts(client, function):
    """The function works, and its latest environment has seen so many invocations."""
    return int(stream(client, function, [["count", 0]]).body)


def test_the_first_byte_comes_before_the_function_ends(client, function):
    answer = stream(client, function, [["write", "first "], ["sleep", 1500], ["write", "last"]])
    assert (answer.status, answer.version) == (200, "$LATEST")
    assert answer.content_type == "application/vnd.amazon.eventstream"
    assert answer.body == b"first last"
    assert answer.ended_at - answer.at[0] > 1
    assert "ErrorCode" not in answer.complete
    assert answer.log.startswith(f"START RequestId: {answer.request_id}") and "\nREPORT" in answer.log
    assert answer.headers["x-amzn-requestid"] == answer.request_id


def test_tokens_reach_curl_one_by_one(server, function):
    event = [step for word in "so many words".split() for step in (["write", word], ["sleep", 400])]
    curl = subprocess.Popen(
        ["curl", "-sN", "--max-time", "60", "-d", json.dumps(event), server.endpoint + path(function)],
        stdout=subprocess.PIPE, bufsize=0,
    )
    seen = []
    for kind, payload in messages(iter(lambda: curl.stdout.read(4096), b"")):
        seen.append((kind, payload, curl.poll()))
    assert [payload for kind, payload, _ in seen if kind == "PayloadChunk"] == [b"so", b"many", b"words"]
    assert seen[-1][:2] == ("InvokeComplete", b"{}")
    assert seen[0][2] is None, "curl was through before the first word was seen"
    assert curl.wait(60) == 0


def test_the_sdk_for_javascript_reads_a_stream(server, function, npm):
    program = """
import { LambdaClient, InvokeWithResponseStreamCommand } from '@aws-sdk/client-lambda';

const client = new LambdaClient({ requestHandler: { requestTimeout: 60_000 } });
const read = async (steps) => {
  const command = { FunctionName: '%s', Payload: JSON.stringify(steps), LogType: 'Tail' };
  const answer = await client.send(new InvokeWithResponseStreamCommand(command));
  const found = { status: answer.StatusCode, version: answer.ExecutedVersion, chunks: [] };
  for await (const event of answer.EventStream) {
    if (event.PayloadChunk) {
      found.chunks.push(Buffer.from(event.PayloadChunk.Payload).toString());
      found.first ??= Date.now();
    }
    found.complete = event.InvokeComplete ?? found.complete;
  }
  return { ...found, ms: Date.now() - found.first };
};
console.log(JSON.stringify([
  await read([['write', 'one'], ['sleep', 800], ['write', 'two']]),
  await read([['write', 'one'], ['sleep', 50], ['throw', 'no more']]),
]));
"""
    good, bad = json.loads(npm.run(program % function, server))
    assert (good["status"], good["version"]) == (200, "$LATEST")
    assert good["chunks"] == ["one", "two"] and good["ms"] > 500
    assert "ErrorCode" not in good["complete"] and good["complete"]["LogResult"]
    assert bad["chunks"] == ["one"]
    assert bad["complete"]["ErrorCode"] == "Unhandled"
    assert json.loads(bad["complete"]["ErrorDetails"])["errorMessage"] == "no more"


def test_what_goes_wrong_after_the_first_byte_is_told_at_the_end(client, function):
    started = [["write", "some"], ["sleep", 20]]
    answer = stream(client, function, started + [["throw", "half way"]])
    assert answer.body == b"some"
    assert answer.complete["ErrorCode"] == "Unhandled"
    assert (answer.error["errorType"], answer.error["errorMessage"]) == ("RangeError", "half way")
    assert "Invoke Error" in answer.log
    before = counts(client, function)

    answer = stream(client, function, started + [["exit", 7]])
    assert answer.body == b"some"
    assert answer.error["errorType"] == "Runtime.ExitError" and "exit status 7" in answer.error["errorMessage"]
    assert counts(client, function) == 1 < before, "a new environment"


def test_a_timeout_ends_a_stream(client):
    function = create(client, node(STREAMS), runtime="nodejs20.x", Timeout=1)
    answer = stream(client, function, [["write", "some"], ["sleep", 30000]])
    assert answer.body == b"some"
    assert answer.error == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {answer.request_id} Error: Task timed out after 1.00 seconds",
    }
    assert re.search(r"\tStatus: timeout", answer.log)
    assert counts(client, function) == 1


def test_a_stream_that_is_never_ended_times_out(client):
    code = node("exports.handler = awslambda.streamifyResponse(async (event, stream) => void stream.write('some'));\n")
    answer = stream(client, create(client, code, runtime="nodejs20.x", Timeout=1))
    assert (answer.body, answer.error["errorType"]) == (b"some", "Sandbox.Timedout")


def test_memory_that_runs_out_ends_a_stream(client, function):
    answer = stream(client, function, [["write", "some"], ["sleep", 20], ["hog", 0]])
    assert answer.body == b"some"
    assert answer.error["errorType"] == "Runtime.ExitError" and "signal: killed" in answer.error["errorMessage"]
    assert "Error Type: Runtime.OutOfMemory" in answer.log


def test_what_goes_wrong_before_the_first_byte_gives_no_chunk(client, function):
    answer = stream(client, function, [["throw", "at once"]])
    assert (answer.chunks, answer.complete["ErrorCode"]) == ([], "Unhandled")
    assert answer.error["errorMessage"] == "at once"


def test_what_does_not_run_is_an_ordinary_error(client, function):
    with pytest.raises(ClientError) as refused:
        stream(client, "nobody")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    with pytest.raises(ClientError) as refused:
        client.invoke_with_response_stream(FunctionName=function, Payload=b"{")
    assert refused.value.response["Error"]["Code"] == "InvalidRequestContentException"
    dry = client.invoke_with_response_stream(FunctionName=function, Payload=b"[]", InvocationType="DryRun")
    assert dry["StatusCode"] == 204


def test_a_reserved_concurrency_of_zero_refuses_streams(client):
    function = create(client, node(STREAMS), runtime="nodejs20.x")
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as refused:
        stream(client, function, [])
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"


def test_a_function_that_does_not_stream_gives_one_chunk(client, language):
    code = {
        "python": python("def handler(event, context):\n    return {'n': 'x' * event}\n"),
        "node": node("exports.handler = async (event) => ({ n: 'x'.repeat(event) });\n"),
    }[language]
    function = create(client, code, runtime={"python": "python3.11", "node": "nodejs20.x"}[language])
    answer = stream(client, function, 1_000_000)
    assert [json.loads(chunk) for chunk in answer.chunks] == [{"n": "x" * 1_000_000}]
    too_large = stream(client, function, 7_000_000)
    assert too_large.error["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_stream_is_collected_for_invoke(client, function):
    answer = invoke(client, function, [["write", "one "], ["sleep", 10], ["write", "two"]])
    assert (answer.raw, answer.error) == (b"one two", None)
    answer = invoke(client, function, [["write", "one "], ["sleep", 10], ["throw", "half way"]])
    assert (answer.payload["errorMessage"], answer.error) == ("half way", "Unhandled")
    answer = invoke(client, function, [["fill", 6 * MIB]])
    assert (len(answer.raw), answer.error) == (6 * MIB, None)
    answer = invoke(client, function, [["fill", 7 * MIB]])
    assert answer.payload["errorType"] == "Function.ResponseSizeTooLarge"


def test_metadata_for_http_passes_through(client, function):
    answer = stream(client, function, [["http", {"statusCode": 201, "cookies": ["a=b"]}], ["write", "body"]])
    prelude, body = answer.body.split(b"\0" * 8)
    assert (json.loads(prelude), body) == ({"statusCode": 201, "cookies": ["a=b"]}, b"body")


def test_a_response_may_end_before_its_invocation(client, logs, function):
    answer = stream(client, function, [["write", "early"], ["end", 0], ["sleep", 700], ["print", "still here"]])
    assert answer.body == b"early" and "still here" in answer.log
    assert answer.ended_at - answer.at[0] > 0.5


def resident_mib(server, field):
    status = Path(f"/proc/{server.member('server')}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB", status, re.M).group(1)) / 1024


def test_200_mb_pass_and_are_not_held(server, client, function):
    stream(client, function, [["fill", 8 * MIB]])
    before = resident_mib(server, "VmRSS")
    Path(f"/proc/{server.member('server')}/clear_refs").write_text("5")
    received = 0
    response = client.invoke_with_response_stream(FunctionName=function, Payload=json.dumps([["fill", LIMIT]]).encode())
    for event in response["EventStream"]:
        if "PayloadChunk" in event:
            received += len(event["PayloadChunk"]["Payload"])
        else:
            assert "ErrorCode" not in event["InvokeComplete"]
    assert received == LIMIT
    grown = resident_mib(server, "VmHWM") - before
    assert grown < 24, f"the server grew by {grown:.0f} MiB"


def test_more_than_200_mb_do_not_pass(client, function):
    response = client.invoke_with_response_stream(
        FunctionName=function, Payload=json.dumps([["fill", LIMIT], ["write", "x"]]).encode()
    )
    received, complete = 0, None
    for event in response["EventStream"]:
        received += len(event.get("PayloadChunk", {}).get("Payload", b""))
        complete = event.get("InvokeComplete", complete)
    assert received == LIMIT
    assert json.loads(complete["ErrorDetails"]) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": f"Response payload size exceeded maximum allowed payload size ({LIMIT} bytes).",
    }


def logged(logs, name, text):
    """Whether a line of a function's log has this text; a function that has not ended any invocation may have none."""
    try:
        return any(text in line for line in log_lines(logs, name))
    except logs.exceptions.ResourceNotFoundException:
        return False


def test_a_slow_reader_slows_its_own_function_only(server, client, logs):
    slow = create(client, node(STREAMS), runtime="nodejs20.x", Timeout=120)
    other = create(client, node(STREAMS), runtime="nodejs20.x", Timeout=60)
    stream(client, other, [["fill", 8 * MIB]])
    before = resident_mib(server, "VmRSS")
    readers = [request(server, slow, [["fill", 64 * MIB]]) for _ in range(3)]
    for _ in range(10):
        assert len(stream(client, other, [["fill", 4 * MIB]]).body) == 4 * MIB
        assert len(invoke(client, other, [["fill", MIB]]).raw) == MIB
    assert not logged(logs, slow, "wrote"), "nobody has read, and yet all was written"
    grown = resident_mib(server, "VmRSS") - before
    assert grown < 40, f"the server grew by {grown:.0f} MiB"
    for connection, response in readers:
        found = list(messages(iter(lambda: response.read(MIB), b"")))
        assert sum(len(payload) for kind, payload in found if kind == "PayloadChunk") == 64 * MIB
        assert found[-1] == ("InvokeComplete", b"{}")
        connection.close()


def test_a_client_that_hangs_up_stops_nothing_and_leaves_nothing(server, client, logs):
    function = create(client, node(STREAMS), runtime="nodejs20.x", Timeout=60)
    connection, response = request(server, function, [["fill", 32 * MIB], ["sleep", 300], ["print", "to the end"]])
    assert response.read(100)
    connection.close()
    wait_until(lambda: logged(logs, function, "to the end"), "the function runs on")
    wait_until(lambda: logged(logs, function, "REPORT"), "it ends")
    assert counts(client, function) == 2, "the environment is used again"


def test_many_streams_at_once_keep_apart(client, function):
    answers = {}

    def run(number):
        words = [f"{number}-{count} " for count in range(20)]
        answers[number] = stream(client, function, [["write", word] for word in words])

    threads = [threading.Thread(target=run, args=(number,)) for number in range(16)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    for number in range(16):
        assert answers[number].body.decode().split() == [f"{number}-{count}" for count in range(20)]


def test_size_and_rate_are_settings(make_server):
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    server = make_server(args=("--stream-size", "8MiB", "--stream-rate", "1MiB")).start()
    client = server.client()
    function = create(client, node(STREAMS), runtime="nodejs20.x", Timeout=60)
    begun = time.monotonic()
    answer = stream(client, function, [["fill", 8 * MIB]])
    assert (len(answer.body), answer.error) == (8 * MIB, None)
    assert answer.ended_at - begun > 1.8, "2 MiB after the first 6 take 2 seconds"
    answer = stream(client, function, [["fill", 8 * MIB], ["write", "x"]])
    assert answer.error["errorType"] == "Function.ResponseSizeTooLarge"
    assert answer.error["errorMessage"].endswith("(8388608 bytes).")


def test_a_server_that_stops_lets_streams_finish(make_server):
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    server = make_server().start()
    function = create(server.client(), node(STREAMS), runtime="nodejs20.x", Timeout=60)
    connection, response = request(server, function, [["write", "first "], ["sleep", 1500], ["write", "last"]])
    seen = messages(iter(lambda: response.read1(4096), b""))
    assert next(seen) == ("PayloadChunk", b"first ")
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    assert list(seen) == [("PayloadChunk", b"last"), ("InvokeComplete", b"{}")]
    stopping.join(30)
    assert not stopping.is_alive() and server.process.returncode == 0
