"""Extensions: programs of layers that run beside the function, with every kind of runtime."""

import json
import re
import textwrap
import time

import pytest

from bootstraps import SHELL, bundle, deploy as deploy_bootstrap, needs_curl, shell
from functions import create, invoke, log_lines, node, python, unique
from server import alive, wait_until

# Registers, then tells what it gets. `$before` and `$on_event` are the test's.
WATCHER = r"""
    #!/bin/sh
    name=$(basename "$0")
    api="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
    tmp="${TMPDIR:-/tmp}"
    BEFORE
    curl -sS -D "$tmp/$name" -o "$tmp/$name.answer" -X POST -H "Lambda-Extension-Name: $name" \
        -d '{"events":["INVOKE","SHUTDOWN"]}' "$api/register"
    id=$(grep -i lambda-extension-identifier: "$tmp/$name" | tr -d '[:space:]' | cut -d: -f2)
    fail() {
        curl -sS -X POST -H "Lambda-Extension-Identifier: $id" -H "Lambda-Extension-Function-Error-Type: $2" \
            "$api/$1/error"; exit 1
    }
    AFTER
    while true; do
        event=$(curl -sS -H "Lambda-Extension-Identifier: $id" "$api/event/next")
        echo "$name got $event"
        case "$event" in *SHUTDOWN*) exit 0 ;; esac
        ON_EVENT
    done
"""


def watcher(before="", after="", on_event=""):
    script = textwrap.dedent(WATCHER).lstrip("\n")
    return script.replace("BEFORE", before).replace("AFTER", after).replace("ON_EVENT", on_event)


def layer(client, extensions, executable=True):
    needs_curl()
    files = {f"extensions/{name}": script for name, script in extensions.items()}
    version = client.publish_layer_version(
        LayerName=unique("extensions"), Content={"ZipFile": bundle(files, files if executable else ())})
    return [version["LayerVersionArn"]]


PYTHON = python("def handler(event, context):\n    return {'event': event}\n")
NODE = node("exports.handler = async (event) => ({ event });\n")


def deploy(client, kind, layers, **settings):
    settings = {"Timeout": 10, "Layers": layers} | settings
    if kind == "python":
        return create(client, PYTHON, "python3.11", **settings)
    if kind == "node":
        return create(client, NODE, "nodejs20.x", **settings)
    return shell(client, **settings)


@pytest.mark.every_tier
@pytest.mark.parametrize("kind", ["shell", "python", "node"])
def test_an_extension_is_told_of_invocations_and_of_the_end(make_server, kind):
    server = make_server().start()
    client, logs = server.client(), server.client("logs")
    function = deploy(client, kind, layer(client, {"watcher": watcher()}))
    answers = [invoke(client, function, {"n": n}) for n in range(2)]
    assert [(answer.error, answer.payload["event"]) for answer in answers] == [(None, {"n": 0}), (None, {"n": 1})]
    assert "EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE,SHUTDOWN]" in log_lines(logs, function)
    for answer in answers:
        def told():
            return [line for line in log_lines(logs, function)
                    if line.startswith("watcher got") and answer.request_id in line]
        wait_until(told, "the extension says what it was told")
        assert len(told()) == 1 and '"eventType":"INVOKE"' in told()[0] and '"type":"X-Amzn-Trace-Id"' in told()[0]
    client.delete_function(FunctionName=function)
    wait_until(lambda: any('"shutdownReason":"SPINDOWN"' in line for line in log_lines(logs, function)),
               "the extension is told that the environment ends")


def test_a_log_of_json_tells_of_extensions(client, logs):
    function = deploy(client, "python", layer(client, {"watcher": watcher()}), LoggingConfig={"LogFormat": "JSON"})
    assert invoke(client, function).error is None
    events = [json.loads(line) for line in log_lines(logs, function) if line.startswith('{"time"')]
    kinds = [event["type"] for event in events if event["type"].startswith("platform.")]
    assert kinds.index("platform.initStart") < kinds.index("platform.extension") < kinds.index("platform.start")
    assert [event["record"] for event in events if event["type"] == "platform.extension"] == [
        {"name": "watcher", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}]


def test_the_end_of_the_server_is_told(make_server, tmp_path):
    (tmp_path / "data").mkdir()
    server = make_server(data_dir=tmp_path / "data").start()
    client = server.client()
    function = deploy(client, "python", layer(client, {"watcher": watcher()}))
    invoke(client, function)
    server.stop()
    again = make_server(data_dir=tmp_path / "data").start()
    lines = log_lines(again.client("logs"), function)
    assert any('"shutdownReason":"SPINDOWN"' in line for line in lines), lines


def test_who_does_not_end_when_asked_is_ended(make_server, tmp_path):
    (tmp_path / "data").mkdir()
    server = make_server(data_dir=tmp_path / "data").start()
    client = server.client()
    deaf = python("""
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

        def handler(event, context):
            return 1
    """)
    stays = watcher().replace("*SHUTDOWN*) exit 0", "*SHUTDOWN*) sleep 600")
    function = create(client, deaf, "python3.11", Timeout=10, Layers=layer(client, {"stays": stays}))
    assert invoke(client, function).payload == 1
    server.stop()
    assert server.process.returncode == 0
    again = make_server(data_dir=tmp_path / "data").start()
    assert any('"shutdownReason":"SPINDOWN"' in line for line in log_lines(again.client("logs"), function))


# Waits for its event in the background, so that the shell hears signals meanwhile.
LISTENING = """\
    #!/bin/sh
    trap 'echo asked; exit 0' TERM
    api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
    tmp="${TMPDIR:-/tmp}"
    while true; do
        curl -sS -D "$tmp/headers" -o "$tmp/event" "$api/invocation/next" &
        wait $!
        id=$(grep -i Lambda-Runtime-Aws-Request-Id "$tmp/headers" | tr -d '[:space:]' | cut -d: -f2)
        curl -sS "$api/invocation/$id/response" -d 1
    done
    """


def test_the_runtime_is_asked_to_end_before_its_extensions(client, logs):
    layers = layer(client, {"watcher": watcher()})
    function = deploy_bootstrap(client, {"bootstrap": LISTENING}, Layers=layers, Timeout=10)
    assert invoke(client, function).payload == 1
    client.delete_function(FunctionName=function)

    def told():
        lines = log_lines(logs, function)
        return [line for line in lines if line == "asked" or '"eventType":"SHUTDOWN"' in line]

    wait_until(lambda: len(told()) == 2, "both have been told")
    assert told()[0] == "asked" and '"shutdownReason":"SPINDOWN"' in told()[1]


def test_a_timeout_is_told(client, logs):
    function = deploy(client, "shell", layer(client, {"watcher": watcher()}), Timeout=2)
    assert invoke(client, function, "sleep").payload["errorType"] == "Sandbox.Timedout"
    wait_until(lambda: any('"shutdownReason":"TIMEOUT"' in line for line in log_lines(logs, function)),
               "the extension is told of the timeout")


def test_a_failure_of_the_runtime_is_told(client, logs):
    function = deploy(client, "shell", layer(client, {"watcher": watcher()}))
    answer = invoke(client, function, "exit")
    assert answer.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {answer.request_id} Error: Runtime exited with error: exit status 3",
    }
    wait_until(lambda: any('"shutdownReason":"FAILURE"' in line for line in log_lines(logs, function)),
               "the extension is told of the failure")


@pytest.mark.every_tier
@pytest.mark.parametrize("kind", ["shell", "python"])
def test_an_invocation_lasts_until_its_extensions_are_done(client, kind):
    function = deploy(client, kind, layer(client, {"slow": watcher(on_event="sleep 0.7")}))
    answer = invoke(client, function)
    assert answer.error is None
    duration = float(re.search(r"\tDuration: ([\d.]+) ms", answer.log).group(1))
    assert 700 <= duration < 5000


def test_the_caller_does_not_wait_for_extensions(client, logs):
    function = deploy(client, "python", layer(client, {"stuck": watcher(on_event="sleep 600")}), Timeout=6)
    response = client.invoke(FunctionName=function, Payload=b'{"n": 1}')
    assert "FunctionError" not in response and json.load(response["Payload"]) == {"event": {"n": 1}}
    own = [line for line in log_lines(logs, function) if response["ResponseMetadata"]["RequestId"] in line]
    assert own[0].startswith("START") and not any(line.startswith("REPORT") for line in own), "it is not over"
    busy = client.invoke(FunctionName=function, Payload=b'{"n": 2}')
    assert json.load(busy["Payload"]) == {"event": {"n": 2}}

    def reports():
        return [line for line in log_lines(logs, function) if line.startswith("REPORT")]

    wait_until(lambda: len(reports()) == 2, "both invocations are over")
    assert all("\tDuration: 6000.00 ms\t" in line and "\tStatus: timeout" in line for line in reports())
    assert sum(line.startswith("INIT_START") for line in log_lines(logs, function)) == 2, "the first was still busy"


def test_a_runtime_that_is_busy_after_its_answer_holds_nobody_up(client, logs):
    busy = """
        post "$api/invocation/$id/response" -d "$count"
        echo busy; sleep 600
    """
    function = deploy_bootstrap(client, {"bootstrap": SHELL, "init.sh": "", "function.sh": busy}, Timeout=4)
    answers = [client.invoke(FunctionName=function, Payload=b"{}") for _ in range(2)]
    assert [json.load(answer["Payload"]) for answer in answers] == [1, 1], "two environments have answered"
    own = [line for line in log_lines(logs, function) if answers[1]["ResponseMetadata"]["RequestId"] in line]
    assert not any(line.startswith(("END", "REPORT")) for line in own), "it is not over"


@pytest.mark.every_tier
@pytest.mark.parametrize("hog", ["runtime", "extension"])
def test_memory_that_runs_out_beside_extensions(client, hog):
    code = """
        def handler(event, context):
            hog = []
            while event.get("do") == "hog":
                hog.append(bytearray(8 * 1024 * 1024))
            return 1
    """
    extension = watcher(on_event="head -c 400000000 /dev/zero | tail; exit 1" if hog == "extension" else "")
    function = create(client, python(code), "python3.11", Timeout=20, Layers=layer(client, {"watcher": extension}))
    answer = invoke(client, function, {"do": "hog" if hog == "runtime" else ""})
    assert "\tStatus: error\tError Type: Runtime.OutOfMemory" in answer.log, answer.log
    if hog == "runtime":
        assert answer.payload == {
            "errorType": "Runtime.ExitError",
            "errorMessage": f"RequestId: {answer.request_id} Error: Runtime exited with error: signal: killed",
        }


def test_an_init_waits_for_extensions(client, logs):
    function = deploy(client, "python", layer(client, {"slow": watcher(after="sleep 0.7")}))
    answer = invoke(client, function)
    assert float(re.search(r"Init Duration: ([\d.]+) ms", answer.log).group(1)) >= 700


@pytest.mark.parametrize("kind", ["shell", "python"])
@pytest.mark.parametrize("script, error, text", [
    (watcher(before="exit 9"), "Extension.Crash", "exit status 9"),
    (watcher(after="fail init Extension.NoDisk"), "Extension.InitError", "Extension.NoDisk"),
    (watcher(after="fail exit Extension.Gone"), "Extension.ExitError", "Extension.Gone"),
])
def test_an_extension_that_fails_fails_the_init(client, logs, kind, script, error, text):
    function = deploy(client, kind, layer(client, {"broken": script}))
    answer = invoke(client, function)
    assert answer.error == "Unhandled"
    assert answer.payload == {"errorType": error, "errorMessage": f"RequestId: {answer.request_id} Error: {text}"}
    reports = [line for line in log_lines(logs, function) if line.startswith("INIT_REPORT")]
    assert len(reports) == 2 and all(f"Error Type: {error}" in line for line in reports)


def test_an_extension_that_is_not_executable(client):
    function = deploy(client, "python", layer(client, {"plain": watcher()}, executable=False))
    answer = invoke(client, function)
    assert answer.payload["errorType"] == "Extension.LaunchError"
    assert "PermissionDenied" in answer.payload["errorMessage"]


@pytest.mark.parametrize("kind", ["shell", "python"])
def test_an_extension_that_crashes_fails_the_invocation_and_no_other(client, kind):
    crash = 'case "$event" in *INVOKE*) sleep 0.2; kill -9 $$ ;; esac'
    function = deploy(client, kind, layer(client, {"crashing": watcher(on_event=crash)}))
    for _ in range(2):
        answer = invoke(client, function)
        assert "Status: error\tError Type: Extension.Crash" in answer.log


def test_extensions_see_their_own_variables_only(client, logs):
    function = deploy(client, "python", layer(client, {"seeing": watcher(before="env | cut -d= -f1 | sort | tr '\\n' ' '; echo")}))
    invoke(client, function)
    seen = wait_until(lambda: next((line.split() for line in log_lines(logs, function)
                                    if "AWS_LAMBDA_RUNTIME_API" in line), None), "the extension says what it sees")
    assert {"AWS_ACCESS_KEY_ID", "AWS_LAMBDA_FUNCTION_NAME", "PATH"} <= set(seen)
    assert not {"_HANDLER", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_LOG_GROUP_NAME"} & set(seen)


def test_eleven_extensions_are_too_many(client):
    function = deploy(client, "python", layer(client, {f"e{n:02}": watcher() for n in range(11)}))
    answer = invoke(client, function)
    assert answer.payload["errorType"] == "Extension.LaunchError" and "TooManyExtensions" in answer.payload["errorMessage"]


def test_an_internal_extension_holds_the_invocation(client):
    needs_curl()
    register = """
        tmp="${TMPDIR:-/tmp}"
        curl -sS -D "$tmp/inner" -o /dev/null -X POST -H 'Lambda-Extension-Name: inner' -d '{"events":["INVOKE"]}' \
            "http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension/register"
        inner=$(grep -i lambda-extension-identifier: "$tmp/inner" | tr -d '[:space:]' | cut -d: -f2)
        (while true; do
            curl -sS -o "$tmp/inner.event" -H "Lambda-Extension-Identifier: $inner" \
                "http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension/event/next"
            echo "inner got an event"; sleep 0.5
        done) &
    """
    function = shell(client, init=register, Timeout=10)
    begun = time.monotonic()
    answer = invoke(client, function, {})
    assert answer.error is None and "inner got an event" in answer.log and time.monotonic() - begun >= 0.5
    assert "inner" in answer.log


INTERNAL = python("""
    import json, os, threading, time, urllib.request

    base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2020-01-01/extension/"
    told = []

    def call(path, body=None, **headers):
        response = urllib.request.urlopen(urllib.request.Request(base + path, data=body, headers=headers))
        return response.headers, response.read()

    registered, _ = call("register", b'{"events":["INVOKE"]}', **{"Lambda-Extension-Name": "inner"})
    own = {"Lambda-Extension-Identifier": registered["Lambda-Extension-Identifier"]}

    def listen():
        while True:
            told.append(json.loads(call("event/next", **own)[1])["requestId"])

    threading.Thread(target=listen, daemon=True).start()

    def handler(event, context):
        while context.aws_request_id not in told:
            time.sleep(0.01)
        return told
""")


# Registers an extension that waits for the end and for nothing else, as graceful shutdown takes.
GRACEFUL_PYTHON = python("""
    import os, signal, sys, threading, time, urllib.request

    def asked(number, _):
        print("asked to end by", number)
        sys.exit(0)

    signal.signal(signal.SIGTERM, signal.SIG_IGN if os.environ.get("DEAF") else asked)
    base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2020-01-01/extension/"

    def call(path, body=None, **headers):
        return urllib.request.urlopen(urllib.request.Request(base + path, data=body, headers=headers))

    if not os.environ.get("ALONE"):
        registered = call("register", b'{"events":[]}', **{"Lambda-Extension-Name": "inner"}).headers
        own = {"Lambda-Extension-Identifier": registered["Lambda-Extension-Identifier"]}
        threading.Thread(target=call, args=("event/next",), kwargs=own, daemon=True).start()

    def handler(event, context):
        while event.get("do") == "hang":
            time.sleep(1)
        return 1
""")

GRACEFUL_NODE = node("""
    import http from 'node:http';

    process.on('SIGTERM', () => {
      console.log('asked to end by', 15);
      process.exit(0);
    });

    function call(method, path, headers, body) {
      return new Promise((resolve) => {
        const url = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2020-01-01/extension/${path}`;
        http.request(url, { method, headers }, (response) => {
          response.resume();
          resolve(response.headers);
        }).end(body);
      });
    }

    if (!process.env.ALONE) {
      const headers = await call('POST', 'register', { 'Lambda-Extension-Name': 'inner' }, '{"events":[]}');
      const id = headers['lambda-extension-identifier'];
      call('GET', 'event/next', { 'Lambda-Extension-Identifier': id });
    }

    export const handler = async () => 1;
""", name="index.mjs")


# The same for a bootstrap.
GRACEFUL_SHELL = LISTENING.replace("echo asked", "echo asked to end by 15").replace("    while true", r"""
    extension="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
    curl -sS -D "$tmp/inner" -o "$tmp/inner.answer" -X POST -H 'Lambda-Extension-Name: inner' -d '{"events":[]}' \
        "$extension/register"
    inner=$(grep -i lambda-extension-identifier: "$tmp/inner" | tr -d '[:space:]' | cut -d: -f2)
    curl -sS -H "Lambda-Extension-Identifier: $inner" "$extension/event/next" &
    while true""".lstrip("\n"))


def graceful(client, kind="python", timeout=10, **variables):
    if kind == "shell":
        needs_curl()
        function = deploy_bootstrap(client, {"bootstrap": GRACEFUL_SHELL}, Timeout=timeout)
        assert invoke(client, function).payload == 1
        return function
    code, runtime = {"python": (GRACEFUL_PYTHON, "python3.11"), "node": (GRACEFUL_NODE, "nodejs20.x")}[kind]
    function = create(client, code, runtime, Timeout=timeout, Environment={"Variables": variables})
    assert invoke(client, function).payload == 1
    return function


def asked(logs, function):
    return [line for line in log_lines(logs, function) if "asked to end by 15" in line]


@pytest.mark.every_tier
@pytest.mark.parametrize("kind", ["python", "node", "shell"])
def test_a_runtime_with_an_internal_extension_is_asked_to_end(client, logs, kind):
    function = graceful(client, kind)
    assert not asked(logs, function)
    client.delete_function(FunctionName=function)
    wait_until(lambda: asked(logs, function), "the runtime says that it was asked to end")
    assert len(asked(logs, function)) == 1


@pytest.mark.every_tier
def test_the_end_of_the_server_asks_runtimes_with_internal_extensions_only(make_server):
    server = make_server().start()
    client = server.client()
    slow = graceful(client, timeout=2)
    assert invoke(client, slow, {"do": "hang"}).payload["errorType"] == "Sandbox.Timedout"
    others = [graceful(client, kind, ALONE="1") for kind in ("python", "node")]
    told = [graceful(client, kind) for kind in ("python", "node")]
    assert server.stop() == 0
    logs = server.start().client("logs")
    assert [len(asked(logs, function)) for function in [*told, *others, slow]] == [1, 1, 0, 0, 0]


@pytest.mark.every_tier
@pytest.mark.parametrize("killed", [False, True])
def test_a_runtime_that_does_not_listen_is_ended(make_server, killed):
    server = make_server().start()
    client = server.client()
    function = graceful(client, DEAF="1")
    client.delete_function(FunctionName=function)
    members = server.members()
    if killed:
        server.kill()
    else:
        assert server.stop() == 0
        wait_until(lambda: not any(alive(pid) for pid in members), f"all of {members} are gone")


@pytest.mark.every_tier
def test_an_internal_extension_of_a_managed_runtime(client, logs):
    function = create(client, INTERNAL, "python3.11", Timeout=10)
    answers = [invoke(client, function) for _ in range(3)]
    assert answers[-1].payload == [answer.request_id for answer in answers]
    assert "EXTENSION\tName: inner\tState: Ready\tEvents: [INVOKE]" in log_lines(logs, function)
