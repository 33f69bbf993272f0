"""Every way a function can fail: the caller's answer, the log, and that the next invocation works."""

import http.client
import json
import re

import pytest

from functions import create, invoke, log_lines, node, python
from languages import RUNTIME, WISH, deploy
from server import wait_until
from tier import named_as_on_aws

pytestmark = pytest.mark.every_tier


@pytest.fixture(scope="module")
def function(client, language):
    return deploy(client, language, WISH, Timeout=10)


def works(client, function):
    answer = invoke(client, function, {"id": "after"})
    assert (answer.error, answer.payload["id"]) == (None, "after")
    return answer


def test_a_raised_error(client, function, language):
    answer = invoke(client, function, {"do": "raise", "text": "wrong wünsch"})
    assert (answer.status, answer.error) == (200, "Unhandled")
    assert answer.payload["errorMessage"] == "wrong wünsch"
    assert answer.payload["errorType"] == "ValueError"
    if language == "python":
        assert answer.payload["requestId"] == answer.request_id
        assert re.fullmatch(r'  File "/var/task/app.py", line \d+, in handler\n    raise ValueError.*\n',
                            named_as_on_aws(answer.payload["stackTrace"][0]))
        assert "[ERROR] ValueError: wrong wünsch\nTraceback (most recent call last):" in answer.log
    else:
        assert answer.payload["trace"][0] == "ValueError: wrong wünsch"
        assert "/var/task/index.js" in named_as_on_aws(answer.payload["trace"][1])
        assert "ERROR\tInvoke Error \t" in answer.log
    works(client, function)


def test_a_timeout(client, logs, language):
    function = deploy(client, language, WISH, Timeout=1)
    answer = invoke(client, function, {"do": "sleep", "seconds": 30})
    assert answer.payload == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {answer.request_id} Error: Task timed out after 1.00 seconds",
    }
    assert answer.error == "Unhandled"
    lines = log_lines(logs, function)
    assert any(re.fullmatch(rf"\S+Z {answer.request_id} Task timed out after 1.00 seconds", line) for line in lines)
    assert re.search(r"\tDuration: 1000.00 ms\tBilled Duration: \d+ ms\t.*\tStatus: timeout\t?$", lines[-1])
    after = works(client, function)
    assert after.payload["calls"] == 1


@pytest.mark.parametrize("code, reason", [
    (0, "Runtime exited without providing a reason"),
    (1, "Runtime exited with error: exit status 1"),
    (127, "Runtime exited with error: exit status 127"),
])
def test_an_exit(client, function, code, reason):
    answer = invoke(client, function, {"do": "exit", "code": code})
    assert answer.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {answer.request_id} Error: {reason}",
    }
    assert "\tStatus: error\tError Type: Runtime.ExitError" in answer.log
    works(client, function)


@pytest.mark.parametrize("number, name", [(9, "killed"), (15, "terminated"), (11, "segmentation fault"), (6, "aborted")])
def test_a_signal(client, function, number, name):
    answer = invoke(client, function, {"do": "signal", "number": number})
    assert answer.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {answer.request_id} Error: Runtime exited with error: signal: {name}",
    }
    works(client, function)


def test_out_of_memory(client, function):
    answer = invoke(client, function, {"do": "memory"})
    assert answer.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {answer.request_id} Error: Runtime exited with error: signal: killed",
    }
    assert "\tStatus: error\tError Type: Runtime.OutOfMemory" in answer.log
    works(client, function)


def test_a_response_that_is_too_large(client, function):
    size = 6 * 1024 * 1024 + 200
    answer = invoke(client, function, {"do": "large", "size": size})
    assert answer.error == "Unhandled"
    assert answer.payload["errorType"] == "Function.ResponseSizeTooLarge"
    assert answer.payload["errorMessage"] == (
        "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    )
    assert len(invoke(client, function, {"do": "large", "size": 6 * 1024 * 1024}).payload) == 6 * 1024 * 1024
    works(client, function)


def test_an_error_that_is_too_large(client, function, language):
    text = "0123456789" * 30_000
    answer = invoke(client, function, {"do": "raise", "text": text})
    assert (answer.error, answer.payload["errorType"]) == ("Unhandled", "ValueError")
    assert answer.payload["errorMessage"] == text[:16384]
    assert answer.payload["stackTrace" if language == "python" else "trace"] == []
    works(client, function)


def test_a_result_without_a_json_form(client, function, language):
    answer = invoke(client, function, {"do": "unserialisable"})
    assert answer.error == "Unhandled"
    if language == "python":
        assert answer.payload["errorType"] == "Runtime.MarshalError"
        assert answer.payload["errorMessage"] == (
            "Unable to marshal response: Object of type set is not JSON serializable"
        )
    works(client, function)


BAD_HANDLERS = [
    ("python", "app.missing", "Runtime.HandlerNotFound", "Handler 'missing' missing on module 'app'"),
    ("python", "nowhere.handler", "Runtime.ImportModuleError",
     "Unable to import module 'nowhere': No module named 'nowhere'"),
    ("node", "index.missing", "Runtime.HandlerNotFound", "index.missing is undefined or not exported"),
    ("node", "nowhere.handler", "Runtime.ImportModuleError", "Error: Cannot find module 'nowhere'\nRequire stack:"),
]


@pytest.mark.parametrize("tongue, handler, kind, message", BAD_HANDLERS)
def test_a_bad_handler(client, logs, tongue, handler, kind, message):
    package = python(WISH["python"]) if tongue == "python" else node(WISH["node"])
    function = create(client, package, runtime=RUNTIME[tongue], handler=handler)
    answer = invoke(client, function)
    assert answer.error == "Unhandled"
    assert (answer.payload["errorType"], answer.payload["errorMessage"].startswith(message)) == (kind, True), (
        answer.payload
    )
    lines = log_lines(logs, function)
    reports = [line for line in lines if line.startswith("INIT_REPORT")]
    assert [re.search(r"Phase: (\w+)", line).group(1) for line in reports] == ["init", "invoke"]
    assert all(f"\tStatus: error\tError Type: {kind}" in line for line in (*reports, lines[-1])), lines


INIT_FAILURES = {
    "python": 'raise RuntimeError("not today")\n\ndef handler(event, context):\n    pass\n',
    "node": 'throw new Error("not today");\n',
}


def test_an_init_that_raises(client, language):
    function = deploy(client, language, INIT_FAILURES)
    answer = invoke(client, function)
    assert (answer.error, answer.payload["errorMessage"]) == ("Unhandled", "not today")


SYNTAX = {"python": "def handler(event, context)\n    pass\n", "node": "exports.handler = async ( => 1;\n"}


def test_a_syntax_error(client, language):
    function = deploy(client, language, SYNTAX)
    answer = invoke(client, function)
    assert answer.payload["errorType"] == "Runtime.UserCodeSyntaxError", answer.payload


def test_a_crashing_init(client, language):
    code = {"python": "import os\nos._exit(3)\n", "node": "process.exit(3);\n"}
    function = deploy(client, language, code)
    answer = invoke(client, function)
    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in answer.payload["errorMessage"]


def test_node_unhandled_rejection(client):
    function = create(client, node("""
        exports.handler = async () => {
          Promise.reject(new Error("forgotten"));
          await new Promise((done) => setTimeout(done, 200));
        };
    """), runtime="nodejs20.x")
    answer = invoke(client, function)
    assert answer.error == "Unhandled"
    assert answer.payload["errorType"] == "Runtime.UnhandledPromiseRejection", answer.payload


def test_node_modules_in_every_form(client):
    forms = {
        "index.mjs": ("index.handler", "export const handler = async () => import.meta.url;\n"),
        "src/deep.js": ("src/deep.nested.handler", "exports.nested = { handler: (e, c, done) => done(null, 'deep') };\n"),
        "back.js": ("back.handler", "exports.handler = (event, context, callback) => callback(null, 'back');\n"),
    }
    for name, (handler, code) in forms.items():
        function = create(client, node(code, name), runtime="nodejs20.x", handler=handler)
        answer = invoke(client, function)
        assert answer.error is None, answer.payload


def test_callback_waits_for_the_event_loop(client):
    code = """
        exports.handler = (event, context, callback) => {
          context.callbackWaitsForEmptyEventLoop = event.wait;
          setTimeout(() => {}, 1500);
          callback(null, "done");
        };
    """
    function = create(client, node(code), runtime="nodejs20.x", Timeout=10)
    durations = {}
    for wait in (True, False):
        answer = invoke(client, function, {"wait": wait})
        assert answer.payload == "done"
        durations[wait] = float(re.search(r"\tDuration: ([\d.]+) ms", answer.log).group(1))
    assert durations[True] >= 1400 > durations[False]


def test_an_error_spares_the_environment(client, function):
    before = works(client, function).payload["pid"]
    invoke(client, function, {"do": "raise"})
    assert works(client, function).payload["pid"] == before


def test_a_caller_who_hangs_up(server, client, logs, language):
    function = deploy(client, language, WISH, Timeout=30)
    before = works(client, function).payload

    def count(kind):
        return len([line for line in log_lines(logs, function) if line.startswith(kind)])

    for calls in range(2, 5):
        connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"))
        wish = json.dumps({"do": "sleep", "seconds": 0.5})
        connection.request("POST", f"/2015-03-31/functions/{function}/invocations", body=wish)
        wait_until(lambda: count("START") == calls, "the invocation begins")
        connection.close()
        wait_until(lambda: count("REPORT") == calls, "it ends without its caller")
    after = works(client, function).payload
    assert (after["pid"], after["calls"]) == (before["pid"], 5)
