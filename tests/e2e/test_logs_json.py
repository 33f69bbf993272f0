"""The JSON log format: the platform's events, the runtimes' loggers, levels, shared groups."""

import json
import textwrap

import pytest
from botocore.exceptions import ClientError

import bootstraps
from functions import create, create_in_place, invoke, log_lines, python, unique
from languages import deploy
from server import wait_until

TALK = {
    "python": """
        import logging, sys

        def handler(event, context):
            log = logging.getLogger()
            log.debug("debug")
            log.info("info")
            log.error("error", extra={"order": 7})
            print("plain")
            print('{"level": "debug", "message": "own"}')
            print('{"level": "fatal", "message": "own"}')
            if event.get("raise"):
                raise ValueError("wrong")
    """,
    "node": """
        exports.handler = async (event) => {
          console.debug("debug");
          console.info("info");
          console.error("error", { order: 7 });
          process.stdout.write("plain\\n");
          process.stdout.write('{"level": "debug", "message": "own"}\\n');
          process.stdout.write('{"level": "fatal", "message": "own"}\\n');
          if (event.raise) throw new Error("wrong");
        };
    """,
}


def parsed(line):
    try:
        return json.loads(line)
    except ValueError:
        return line


def kinds(lines):
    """What each line is: the type of a platform event, level and message of the function's, or the text."""
    def kind(line):
        if isinstance(line, str):
            return line
        return line["type"] if "type" in line else f"{line['level']} {line.get('message', '')}".split(" {")[0].strip()
    return [kind(parsed(line)) for line in lines]


def json_format(**levels):
    return {"LoggingConfig": {"LogFormat": "JSON"} | levels}


def test_info_is_the_level_of_both(client, logs, language):
    name = deploy(client, language, TALK, **json_format())
    answer = invoke(client, name)
    expected = ["INFO info", "ERROR error", "plain", "fatal own", "platform.report"]
    lines = log_lines(logs, name)
    assert kinds(lines) == ["platform.initStart", "platform.start"] + expected
    assert kinds(answer.log.splitlines()) == ["platform.start"] + expected
    start, info, report = parsed(lines[1]), parsed(lines[2]), parsed(lines[-1])
    assert start["record"] == {"requestId": answer.request_id, "version": "$LATEST"} and start["time"].endswith("Z")
    assert info["requestId"] == answer.request_id and info["timestamp"].endswith("Z")
    metrics = report["record"]["metrics"]
    assert report["record"]["status"] == "success" and metrics["memorySizeMB"] == 128
    assert metrics["billedDurationMs"] >= metrics["durationMs"] and metrics["initDurationMs"] > 0
    init = parsed(lines[0])["record"]
    assert init["functionName"] == name and init["phase"] == "init" and init["instanceMaxMemory"] == 128 << 20


def test_everything_at_the_lowest_levels(client, logs, language):
    name = deploy(client, language, TALK, **json_format(ApplicationLogLevel="TRACE", SystemLogLevel="DEBUG"))
    invoke(client, name)
    assert kinds(log_lines(logs, name)) == [
        "platform.initStart", "platform.initRuntimeDone", "platform.initReport", "platform.start",
        "DEBUG debug", "INFO info", "ERROR error", "plain", "debug own", "fatal own",
        "platform.runtimeDone", "platform.report",
    ]


def test_only_what_matters_at_the_highest_levels(client, logs, language):
    name = deploy(client, language, TALK, **json_format(ApplicationLogLevel="ERROR", SystemLogLevel="WARN"))
    answer = invoke(client, name, {"raise": True})
    assert answer.error == "Unhandled"
    lines = [parsed(line) for line in log_lines(logs, name)]
    assert kinds(map(json.dumps, lines[:3])) == ["ERROR error", "plain", "fatal own"]
    thrown, = lines[3:]
    error = thrown if language == "python" else thrown["message"]
    assert thrown["level"] == "ERROR" and thrown["requestId"] == answer.request_id
    assert error["errorMessage"] == "wrong" and error["stackTrace"]
    assert error["errorType"] == ("ValueError" if language == "python" else "Error")


def test_a_timeout_and_a_crash_are_events(client, logs):
    code = "import os, signal\ndef handler(event, context):\n    os._exit(7) if event.get('exit') else signal.pause()\n"
    name = create(client, python(code), Timeout=1, **json_format(SystemLogLevel="WARN"))
    answer = invoke(client, name)
    assert "Task timed out after 1.00 seconds" in answer.payload["errorMessage"]
    invoke(client, name, {"exit": True})
    lines = [parsed(line) for line in log_lines(logs, name)]
    assert [(line["type"], line["record"]["status"]) for line in lines] == [
        ("platform.runtimeDone", "timeout"), ("platform.report", "timeout"),
        ("platform.runtimeDone", "error"), ("platform.report", "error"),
    ]
    assert lines[-1]["record"]["errorType"] == "Runtime.ExitError"


BOOTSTRAP = r"""
    #!/bin/sh
    api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
    tmp="${TMPDIR:-/tmp}"
    while curl -sS -D "$tmp/headers" "$api/invocation/next" > /dev/null; do
        id=$(grep Lambda-Runtime-Aws-Request-Id "$tmp/headers" | tr -d '[:space:]' | cut -d: -f2)
        echo "$AWS_LAMBDA_LOG_FORMAT $AWS_LAMBDA_LOG_LEVEL"
        echo '{"level":"info","message":"low"}'
        echo '{"message":"without a level"}'
        echo '{"level":"Error","message":"high"}'
        curl -sS -X POST "$api/invocation/$id/response" -d null > /dev/null
    done
""".lstrip("\n")


def test_the_objects_of_a_custom_runtime_are_filtered(client, logs):
    bootstraps.needs_curl()
    name = bootstraps.deploy(
        client, {"bootstrap": BOOTSTRAP}, Timeout=10, **json_format(ApplicationLogLevel="WARN", SystemLogLevel="WARN"))
    assert invoke(client, name).payload is None
    assert log_lines(logs, name) == ["JSON WARN", '{"level":"Error","message":"high"}']


def test_lines_of_a_custom_runtime_are_seen_while_it_runs(make_server, tmp_path):
    bootstraps.needs_curl()
    wait = "        until [ -e /var/task/go ]; do sleep 0.01; done\n"
    bootstrap = tmp_path / "bootstrap"
    bootstrap.write_text(textwrap.dedent(BOOTSTRAP.replace("        curl -sS -X POST", wait + "        curl -sS -X POST")))
    bootstrap.chmod(0o755)
    server = make_server(args=["--allow-folder", tmp_path]).start()
    client, logs = server.client(), server.client("logs")
    name = create_in_place(client, tmp_path, runtime="provided.al2023", handler="any", Timeout=60)
    client.invoke(FunctionName=name, InvocationType="Event")
    group = f"/aws/lambda/{name}"
    wait_until(lambda: logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"], "there is a log")
    wait_until(lambda: any("high" in line for line in log_lines(logs, name)), "the line is seen")
    assert not any(line.startswith("END") for line in log_lines(logs, name))
    (tmp_path / "go").touch()
    wait_until(lambda: any(line.startswith("END") for line in log_lines(logs, name)), "it ends")


def test_switching_the_format(client, logs):
    name = create(client, python("import os\ndef handler(event, context):\n"
                                 "    return [os.environ.get('AWS_LAMBDA_LOG_' + n) for n in ('FORMAT', 'LEVEL')]\n"))

    def configure(**logging):
        client.update_function_configuration(FunctionName=name, LoggingConfig=logging)
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
        return client.get_function_configuration(FunctionName=name)["LoggingConfig"]

    group = f"/aws/lambda/{name}"
    assert invoke(client, name).payload == [None, None]
    assert configure(LogFormat="JSON", ApplicationLogLevel="DEBUG") == {
        "LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "SystemLogLevel": "INFO", "LogGroup": group}
    assert invoke(client, name).payload == ["JSON", "DEBUG"]
    assert configure(LogFormat="Text") == {"LogFormat": "Text", "LogGroup": group}
    assert invoke(client, name).log.startswith("START RequestId")
    with pytest.raises(ClientError) as refused:
        configure(SystemLogLevel="DEBUG")
    assert refused.value.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": 'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or '
                   'change the LogFormat to "JSON" and try again.',
    }


def test_functions_share_a_group(client, logs):
    group, code = unique("/shared"), "def handler(event, context):\n    print('from', context.function_name)\n"
    names = [create(client, python(code), LoggingConfig={"LogGroup": group}) for _ in range(2)]
    for name in names:
        invoke(client, name)
    events = logs.filter_log_events(logGroupName=group, filterPattern="from")["events"]
    assert [event["message"].strip() for event in events] == [f"from {name}" for name in names]
    assert all(f"/{name}[$LATEST]" in event["logStreamName"] for event, name in zip(events, names))
