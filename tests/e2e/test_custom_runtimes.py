"""`provided.al2023` and its like: functions that bring their own bootstrap."""

import re
import subprocess
import textwrap
import time

import pytest

from bootstraps import SHELL, bundle, deploy, shell
from functions import ROLE, invoke, log_lines, unique
from server import BINARY, clean_environment
from tier import TIER, named_as_on_aws

pytestmark = pytest.mark.every_tier


@pytest.fixture(scope="module")
def function(client):
    return shell(client, Timeout=10)


def works(client, function):
    answer = invoke(client, function, {"a": 1})
    assert (answer.error, answer.payload["event"]) == (None, {"a": 1})
    return answer


@pytest.mark.parametrize("runtime", ["provided.al2023", "provided.al2", "provided"])
def test_a_shell_script_answers_again_and_again(client, logs, runtime):
    function = shell(client, runtime=runtime, Timeout=10)
    assert [works(client, function).payload["count"] for _ in range(3)] == [1, 2, 3]
    lines = log_lines(logs, function)
    version = runtime.replace(".", ":", 1)
    assert lines[0].startswith(f"INIT_START Runtime Version: {version}\tRuntime Version ARN: arn:aws:lambda:")
    assert sum(line.startswith("REPORT") for line in lines) == 3


def test_what_it_sees(client):
    function = shell(client, Timeout=10, Environment={"Variables": {"OWN": "yes"}})
    seen = invoke(client, function, "variables").payload
    handler, api, root, *others = named_as_on_aws(seen).split()
    assert [handler, root, *others] == ["function.handler", "/var/task", "AWS_Lambda_provided.al2023", "yes"]
    assert re.fullmatch(r"127\.0\.0\.1:\d+" if TIER == "process" else r"169\.254\.100\.1:9001", api)
    answer = invoke(client, function, "headers")
    headers = dict(line.split(": ", 1) for line in answer.raw.decode().splitlines() if ": " in line)
    assert headers["Lambda-Runtime-Aws-Request-Id"] == answer.request_id
    assert headers["Lambda-Runtime-Invoked-Function-Arn"].endswith(f":function:{function}")
    assert 0 < int(headers["Lambda-Runtime-Deadline-Ms"]) - time.time() * 1000 <= 10_000


def test_its_output_is_its_log(client, function):
    answer = invoke(client, function, "print")
    assert answer.payload == "printed"
    start, *printed, end, _ = answer.log.splitlines()
    assert start.startswith("START") and end.startswith("END")
    assert printed[:2] == ["one", "two"] and printed[2].startswith("three")


def test_a_reported_error_is_passed_on(client, function):
    answer = invoke(client, function, "raise")
    assert answer.error == "Unhandled"
    assert answer.payload == {"errorMessage": "odd", "errorType": "Odd", "stackTrace": []}
    works(client, function)


@pytest.mark.parametrize("event, reason", [
    ("exit", "Runtime exited with error: exit status 3"),
    ("kill", "Runtime exited with error: signal: killed"),
])
def test_an_end_in_the_middle(client, function, event, reason):
    answer = invoke(client, function, event)
    assert answer.error == "Unhandled"
    assert answer.payload == {
        "errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {answer.request_id} Error: {reason}",
    }
    assert "Status: error\tError Type: Runtime.ExitError" in answer.log
    assert works(client, function).payload["count"] == 1


def test_a_timeout(client):
    function = shell(client, Timeout=1)
    works(client, function)
    answer = invoke(client, function, "sleep")
    assert answer.payload == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {answer.request_id} Error: Task timed out after 1.00 seconds",
    }
    assert works(client, function).payload["count"] == 1


def test_too_much_memory(client):
    function = shell(client, Timeout=20)
    answer = invoke(client, function, "memory")
    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert "Error Type: Runtime.OutOfMemory" in answer.log
    works(client, function)


def test_a_response_that_is_too_large(client, function):
    answer = invoke(client, function, "large")
    assert (answer.error, answer.payload) == ("Unhandled", {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    })
    works(client, function)


def test_a_wrong_id_is_refused_and_the_right_one_taken(client, function):
    answer = invoke(client, function, "wrong")
    assert answer.payload == 2
    assert '{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}' in answer.log


def test_asking_twice_gets_the_same_event(client, function):
    assert invoke(client, function, "twice").payload == "twice"


def test_an_end_after_the_answer(client, function):
    answer = invoke(client, function, "after")
    assert (answer.error, answer.payload) == (None, "early")
    assert "late" in answer.log and "Runtime exited with error: exit status 5" in answer.log
    works(client, function)


def test_a_stream_reaches_its_caller_as_it_comes(client, function):
    works(client, function)
    begun = time.monotonic()
    response = client.invoke_with_response_stream(FunctionName=function, Payload=b'"stream"')
    chunks = [(event["PayloadChunk"]["Payload"], time.monotonic() - begun)
              for event in response["EventStream"] if "PayloadChunk" in event]
    assert b"".join(chunk for chunk, _ in chunks) == b"one two"
    assert chunks[0][1] < 0.9 < chunks[-1][1]
    assert invoke(client, function, "stream").raw == b"one two"


def test_an_init_error_is_passed_on(client, logs):
    report = """
        curl -sS -X POST -H 'Lambda-Runtime-Function-Error-Type: Function.NoTable' \
            -d '{"errorMessage":"no table","errorType":"NoTable"}' "$api/init/error"; exit 1"""
    function = shell(client, init=report, Timeout=10)
    answer = invoke(client, function)
    assert (answer.error, answer.payload) == ("Unhandled", {"errorMessage": "no table", "errorType": "NoTable"})
    reports = [line for line in log_lines(logs, function) if line.startswith("INIT_REPORT")]
    assert [re.search(r"Phase: (\w+)\tStatus: error\tError Type: (\S+)", line).groups() for line in reports] == [
        ("init", "Function.NoTable"), ("invoke", "Function.NoTable"),
    ]


def test_an_end_during_init(client, logs):
    function = shell(client, init="echo starting; exit 7", Timeout=10)
    answer = invoke(client, function)
    assert answer.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {answer.request_id} Error: Runtime exited with error: exit status 7",
    }
    lines = log_lines(logs, function)
    assert lines.count("starting") == 2
    assert any("Phase: init\tStatus: error\tError Type: Runtime.ExitError" in line for line in lines)


OTHER_MACHINE = bytes.fromhex("7f454c46020101000000000000000000" "0200" "f300" "01000000") + bytes(100)


@pytest.mark.parametrize("files, executable, reason", [
    ({"readme": "nothing"}, (), "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
    ({"bootstrap": "#!/bin/sh\n"}, (), "fork/exec /var/task/bootstrap: permission denied"),
    ({"bootstrap": OTHER_MACHINE}, ("bootstrap",), "fork/exec /var/task/bootstrap: exec format error"),
    ({"bootstrap": "#!/no/such/shell\n"}, ("bootstrap",), "fork/exec /var/task/bootstrap: no such file or directory"),
    ({"bootstrap/file": "a folder"}, (), "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
])
def test_a_bootstrap_that_does_not_start(client, files, executable, reason):
    function = deploy(client, files, executable)
    answer = invoke(client, function)
    assert answer.error == "Unhandled"
    assert answer.payload == {
        "errorType": "Runtime.InvalidEntrypoint", "errorMessage": f"RequestId: {answer.request_id} Error: {reason}",
    }
    assert f"Error: {reason}" in answer.log and "Error Type: Runtime.InvalidEntrypoint" in answer.log


def test_a_layer_may_bring_the_bootstrap(client):
    layer = client.publish_layer_version(LayerName=unique("runtime"), Content={"ZipFile": bundle({
        "bootstrap": """\
            #!/bin/sh
            cd "$LAMBDA_TASK_ROOT" && . ./function.sh
            """,
    })})
    function = deploy(client, {"function.sh": """\
        api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
        tmp="${TMPDIR:-/tmp}"
        while true; do
            curl -sS -D "$tmp/headers" -o "$tmp/event" "$api/invocation/next"
            id=$(grep -i Lambda-Runtime-Aws-Request-Id "$tmp/headers" | tr -d '[:space:]' | cut -d: -f2)
            curl -sS "$api/invocation/$id/response" -d '"from a layer"'
        done
        """}, Layers=[layer["LayerVersionArn"]])
    assert invoke(client, function).payload == "from a layer"


def test_many_at_once(client, function):
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: invoke(client, function, {"a": number}), range(24)))
    assert [answer.payload["event"]["a"] for answer in answers] == list(range(24))


def test_runtimes_of_other_languages_say_how(client):
    with pytest.raises(client.exceptions.InvalidParameterValueException) as refused:
        client.create_function(FunctionName=unique(), Runtime="java21", Role=ROLE, Handler="x",
                               Code={"ZipFile": bundle({"a": "b"})})
    assert "provided.al2023" in str(refused.value) and "docs/runtimes.md" in str(refused.value)


def test_hearth_deploys_a_folder_with_a_bootstrap(server, client, tmp_path):
    bootstrap = tmp_path / "bootstrap"
    bootstrap.write_text(textwrap.dedent(SHELL))
    (tmp_path / "init.sh").write_text("true\n")
    (tmp_path / "function.sh").write_text('post "$api/invocation/$id/response" -d \'"deployed"\'\n')
    name = unique()
    command = [BINARY, "deploy", tmp_path, "--name", name, "--endpoint", server.endpoint]
    refused = subprocess.run(command, capture_output=True, text=True, env=clean_environment())
    assert refused.returncode != 0 and "nor an executable bootstrap" in refused.stderr
    bootstrap.chmod(0o755)
    deployed = subprocess.run(command, capture_output=True, text=True, env=clean_environment())
    assert deployed.returncode == 0, deployed.stderr
    assert "provided.al2023, bootstrap, 3 files" in deployed.stderr
    assert invoke(client, name).payload == "deployed"
