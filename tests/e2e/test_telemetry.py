"""The Telemetry API and the Logs API: an extension hears what the platform does and what function and extensions print."""

import json
import os
import re
import time

import pytest

from functions import create, invoke, log_lines, node, python
from server import wait_until
from test_extensions import layer

PYTHON = "/usr/bin/python3"

# Subscribes, keeps what it gets in a file, and at the end prints the types of all of it.
LISTENER = r"""#!/usr/bin/python3 -u
import http.server, json, os, socketserver, tempfile, threading, time, urllib.error, urllib.request

kept = os.path.join(tempfile.gettempdir(), "telemetry")
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"]

def call(method, path, body=None, **headers):
    request = urllib.request.Request(base + path, method=method, data=body, headers=headers)
    try:
        response = urllib.request.urlopen(request)
        return response.status, response.headers, response.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, refused.read()

def keep(body):
    with open(kept, "ab") as file:
        file.write(body.rstrip(b"\n") + b"\n")

class Http(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        batch = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert self.headers["content-type"] == "application/json" and self.path == "/take"
        BEFORE_TAKING
        keep(b"\n".join(json.dumps(record).encode() for record in batch))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass

class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            keep(line)

server = (http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Http) if HTTP
          else socketserver.ThreadingTCPServer(("0.0.0.0", 8080), Tcp))
threading.Thread(target=server.serve_forever, daemon=True).start()
register = json.dumps({"events": ["INVOKE", "SHUTDOWN"]}).encode()
identifier = call("POST", "/2020-01-01/extension/register", register,
                  **{"Lambda-Extension-Name": "listener"})[1]["Lambda-Extension-Identifier"]
own = {"Lambda-Extension-Identifier": identifier}
print("subscribed:", *call("PUT", PATH, json.dumps(SUBSCRIPTION).encode(), **own)[::2])
while True:
    event = json.loads(call("GET", "/2020-01-01/extension/event/next", **own)[2])
    if event["eventType"] == "SHUTDOWN":
        print("late:", *call("PUT", PATH, json.dumps(SUBSCRIPTION).encode(), **own)[::2])
        print("heard:", *[json.loads(line)["type"] for line in open(kept)])
        break
    ON_EVENT
    print("an event came")
"""

FUNCTION = python("""
    import json, os, tempfile, time

    kept = os.path.join(tempfile.gettempdir(), "telemetry")

    def handler(event, context):
        if event.get("do") == "read":
            deadline = time.time() + 5
            records = []
            while time.time() < deadline and not any(record["type"] == "platform.report" for record in records):
                time.sleep(0.05)
                if os.path.exists(kept):
                    records = [json.loads(line) for line in open(kept)]
            return records
        print("printed by the function")
        return 1
""")


@pytest.fixture(autouse=True)
def an_interpreter_in_the_base():
    if not os.path.exists(PYTHON):
        pytest.skip(f"the base has no {PYTHON}")


def listener(types=("platform", "function", "extension"), path="/2022-07-01/telemetry", schema="2022-12-13",
             tcp=False, on_event="", before_taking="", **more):
    destination = ({"protocol": "TCP", "port": 8080} if tcp
                   else {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/take"})
    subscription = {"schemaVersion": schema, "types": list(types), "buffering": {"timeoutMs": 25},
                    "destination": destination} | more
    return (LISTENER.replace("PATH", repr(path)).replace("SUBSCRIPTION", repr(subscription))
            .replace("if HTTP", f"if {not tcp}").replace("ON_EVENT", on_event)
            .replace("BEFORE_TAKING", before_taking))


def deploy(client, script, **settings):
    return create(client, FUNCTION, "python3.11", Layers=layer(client, {"listener": script}), Timeout=15, **settings)


def heard(client, function):
    """What the extension has got when the first invocation's report has come."""
    assert invoke(client, function).error is None
    return invoke(client, function, {"do": "read"}).payload


def one(all_records, kind):
    """The only record of a kind."""
    found = records(all_records, kind)
    assert len(found) == 1, all_records
    return found[0]


def records(all_records, kind):
    return [record["record"] for record in all_records if record["type"] == kind]


@pytest.mark.parametrize("tcp", [False, True])
def test_everything_is_heard(client, logs, tcp):
    function = deploy(client, listener(tcp=tcp))
    got = heard(client, function)
    start = one(got, "platform.initStart")
    assert start["initializationType"] == "on-demand" and start["phase"] == "init"
    assert start["functionName"] == function and start["functionVersion"] == "$LATEST"
    assert start["instanceMaxMemory"] == 128 * 1024 * 1024
    done = one(got, "platform.initRuntimeDone")
    assert (done["phase"], done["status"]) == ("init", "success")
    report = one(got, "platform.initReport")
    assert report["metrics"]["durationMs"] > 0
    assert records(got, "platform.extension") == [
        {"name": "listener", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}]
    assert records(got, "platform.telemetrySubscription") == [
        {"name": "listener", "state": "Subscribed", "types": ["platform", "function", "extension"]}]
    first = records(got, "platform.start")[0]
    assert first["version"] == "$LATEST"
    [done] = [done for done in records(got, "platform.runtimeDone") if done["requestId"] == first["requestId"]]
    assert done["status"] == "success" and done["metrics"]["producedBytes"] == 1
    [report] = [report for report in records(got, "platform.report") if report["requestId"] == first["requestId"]]
    assert report["metrics"]["memorySizeMB"] == 128 and report["metrics"]["initDurationMs"] > 0
    assert "printed by the function" in records(got, "function")
    wait_until(lambda: "an event came" in records(invoke(client, function, {"do": "read"}).payload, "extension"),
               "what the extension printed is heard")
    for record in got:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"])
    lines = log_lines(logs, function)
    assert "TELEMETRY\tName: listener\tState: Subscribed\tTypes: [Platform, Function, Extension]" in lines
    assert "subscribed: 200 b'\"OK\"'" in lines


UNTIL_THE_RUNTIME_IS_DONE = """
    done = '"platform.runtimeDone","record":{"requestId":"' + event["requestId"]
    while done not in open("/tmp/telemetry").read().replace(" ", ""):
        time.sleep(0.01)
"""


def test_extensions_hear_that_the_runtime_is_done_while_they_work(client, logs):
    function = deploy(client, listener(on_event=UNTIL_THE_RUNTIME_IS_DONE))
    answers = [invoke(client, function) for _ in range(2)]
    assert [answer.payload for answer in answers] == [1, 1]
    assert not any("Status: timeout" in answer.log for answer in answers)
    lines = log_lines(logs, function)
    end = lines.index(f"END RequestId: {answers[0].request_id}")
    assert "an event came" in lines[end:], "the extension was done after the runtime"


def test_only_what_was_asked_for_is_heard(client):
    got = heard(client, deploy(client, listener(types=["platform"])))
    assert got and all(record["type"].startswith("platform.") for record in got)


def test_the_older_logs_api_has_its_own_records(client, logs):
    function = deploy(client, listener(types=["platform", "function"], path="/2020-08-15/logs", schema="2021-03-18"))
    got = heard(client, function)
    types = {record["type"] for record in got}
    assert {"platform.start", "platform.end", "platform.runtimeDone", "platform.report", "platform.extension",
            "platform.logsSubscription", "function"} <= types
    assert not any(kind.startswith("platform.init") for kind in types)
    assert records(got, "platform.end")[0].keys() == {"requestId"}
    assert "LOGS\tName: listener\tState: Subscribed\tTypes: [Platform, Function]" in log_lines(logs, function)


def test_json_lines_are_heard_as_json(client):
    function = deploy(client, listener(types=["platform", "function"]), LoggingConfig={"LogFormat": "JSON"})
    got = records(heard(client, function), "function")
    assert any(isinstance(record, str) and "printed" in record or record["message"].startswith("printed")
               for record in got)


def test_the_last_records_come_before_the_end(client, logs):
    function = deploy(client, listener(buffering={"timeoutMs": 30_000}))
    assert invoke(client, function).error is None
    client.delete_function(FunctionName=function)
    line = wait_until(lambda: next((line for line in log_lines(logs, function) if line.startswith("heard:")), None),
                      "the extension has come to its end")
    assert "platform.report" in line.split()
    late = next(line for line in log_lines(logs, function) if line.startswith("late:"))
    assert "403" in late and "Telemetry.SubscriptionClosed" in late


@pytest.mark.parametrize("more, text", [
    ({"schemaVersion": "1999-01-01"}, "schemaVersion"),
    ({"types": ["weather"]}, "weather"),
    ({"buffering": {"maxItems": 1}}, "maxItems must be between 1000 and 10000"),
    ({"destination": {"protocol": "HTTP", "URI": "http://192.0.2.1:8080"}}, "sandbox.localdomain"),
])
def test_a_bad_subscription_is_refused(client, logs, more, text):
    function = deploy(client, listener(**more))
    invoke(client, function)
    line = wait_until(lambda: next((line for line in log_lines(logs, function) if line.startswith("subscribed:")), None),
                      "the extension has tried")
    assert "400" in line and "ValidationError" in line and text in line


FLOOD = python("""
    import json, os, time

    def handler(event, context):
        if event.get("do") == "flood":
            for _ in range(24):
                print("x" * 1_000_000)
            return 1
        open("/tmp/go", "w").close()
        while True:
            for line in open("/tmp/telemetry") if os.path.exists("/tmp/telemetry") else ():
                if '"platform.logsDropped"' in line:
                    return json.loads(line)["record"]
            time.sleep(0.05)
""")


def test_a_subscriber_that_falls_behind_hears_how_much_it_missed(client):
    script = listener(types=["function"], before_taking="""
        while not os.path.exists("/tmp/go"):
            time.sleep(0.01)
    """.strip())
    function = create(client, FLOOD, "python3.11", Layers=layer(client, {"listener": script}), Timeout=60)
    assert invoke(client, function, {"do": "flood"}).payload == 1
    dropped = invoke(client, function, {"do": "read"}).payload
    assert dropped["reason"].startswith("Consumer seems to have fallen behind")
    assert 0 < dropped["droppedRecords"] < 24 and dropped["droppedBytes"] >= 1_000_000 * dropped["droppedRecords"]


def test_a_subscriber_that_does_not_listen_holds_nobody_up(client):
    function = deploy(client, listener(destination={"protocol": "TCP", "port": 9}))
    begun = time.monotonic()
    assert [invoke(client, function).error for _ in range(3)] == [None] * 3
    assert time.monotonic() - begun < 10


# A part of the function's process that listens, on a port that is free also where the host's are used.
INNER_PYTHON = python("""
    import http.server, json, os, threading, time, urllib.request

    records = []

    class Take(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            records.extend(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Take)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"]

    def call(method, path, document=None, **headers):
        body = json.dumps(document).encode() if document else None
        return urllib.request.urlopen(urllib.request.Request(base + path, method=method, data=body, headers=headers))

    registered = call("POST", "/2020-01-01/extension/register", {"events": []}, **{"Lambda-Extension-Name": "inner"})
    own = {"Lambda-Extension-Identifier": registered.headers["Lambda-Extension-Identifier"]}
    subscribed = call("PUT", "/2022-07-01/telemetry", {
        "schemaVersion": "2022-12-13",
        "types": ["platform", "function"],
        "buffering": {"timeoutMs": 25},
        "destination": {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{listener.server_port}/take"},
    }, **own).status
    threading.Thread(target=call, args=("GET", "/2020-01-01/extension/event/next"), kwargs=own, daemon=True).start()

    def handler(event, context):
        if event.get("do") == "read":
            while not any(record["type"] == "platform.report" for record in records):
                time.sleep(0.01)
            return records
        print("printed by the function")
        return subscribed
""")

INNER_NODE = node("""
    import http from 'node:http';
    import net from 'node:net';

    let text = '';
    const listener = net.createServer((stream) => stream.on('data', (data) => { text += data; }));
    await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));

    function call(method, path, headers, document) {
      return new Promise((resolve) => {
        const url = `http://${process.env.AWS_LAMBDA_RUNTIME_API}${path}`;
        http.request(url, { method, headers }, (response) => {
          response.resume();
          resolve(response);
        }).end(document && JSON.stringify(document));
      });
    }

    const registered = await call('POST', '/2020-01-01/extension/register', { 'Lambda-Extension-Name': 'inner' },
      { events: [] });
    const own = { 'Lambda-Extension-Identifier': registered.headers['lambda-extension-identifier'] };
    const { statusCode } = await call('PUT', '/2022-07-01/telemetry', own, {
      schemaVersion: '2022-12-13',
      types: ['platform', 'function'],
      buffering: { timeoutMs: 25 },
      destination: { protocol: 'TCP', port: listener.address().port },
    });
    call('GET', '/2020-01-01/extension/event/next', own);

    export async function handler(event) {
      if (event.do === 'read') {
        while (!text.includes('"platform.report"') || !text.endsWith('\\n')) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        return text.trim().split('\\n').map((line) => JSON.parse(line));
      }
      console.log('printed by the function');
      return statusCode;
    }
""", name="index.mjs")


@pytest.mark.every_tier
@pytest.mark.parametrize("code, runtime", [(INNER_PYTHON, "python3.11"), (INNER_NODE, "nodejs20.x")])
def test_an_internal_extension_hears_what_it_subscribes_to(client, logs, code, runtime):
    function = create(client, code, runtime, Timeout=15)
    assert invoke(client, function).payload == 200
    got = invoke(client, function, {"do": "read"}).payload
    assert records(got, "platform.initStart")[0]["functionName"] == function
    assert records(got, "platform.telemetrySubscription") == [
        {"name": "inner", "state": "Subscribed", "types": ["platform", "function"]}]
    assert any("printed by the function" in record for record in records(got, "function"))
    assert records(got, "platform.report")[0]["status"] == "success"
    assert "TELEMETRY\tName: inner\tState: Subscribed\tTypes: [Platform, Function]" in log_lines(logs, function)
