"""The AWS command line interface, unchanged, and plain curl."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from functions import ROLE, create, python, unique
from languages import ECHO, RUNTIME, package_of
from server import clean_environment

pytestmark = pytest.mark.aws_cli
AWS = Path(sys.executable).with_name("aws")


def payload_format(server):
    """Version 2 takes payloads as base64 unless told otherwise; version 1 does not know the option."""
    version = aws(server, "--version")
    return () if version.startswith("aws-cli/1.") else ("--cli-binary-format", "raw-in-base64-out")


def aws(server, *arguments, fails=False):
    command = [str(AWS if AWS.exists() else shutil.which("aws")), "--endpoint-url", server.endpoint, *arguments]
    environment = clean_environment(
        AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1",
        AWS_PAGER="", AWS_CONFIG_FILE="/nonexistent", AWS_SHARED_CREDENTIALS_FILE="/nonexistent",
    )
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stderr if fails else done.stdout


def test_the_life_of_a_function(server, language, tmp_path):
    name = unique("cli")
    zip_file = tmp_path / "code.zip"
    zip_file.write_bytes(package_of(language, ECHO[language]))
    handler = "app.handler" if language == "python" else "index.handler"
    created = json.loads(aws(
        server, "lambda", "create-function", "--function-name", name, "--runtime", RUNTIME[language],
        "--role", ROLE, "--handler", handler, "--zip-file", f"fileb://{zip_file}",
    ))
    assert created["State"] == "Pending"
    aws(server, "lambda", "wait", "function-active-v2", "--function-name", name)
    out = tmp_path / "out.json"
    invoked = json.loads(aws(
        server, "lambda", "invoke", "--function-name", name, *payload_format(server),
        "--payload", '{"a": 1}', "--log-type", "Tail", str(out),
    ))
    assert invoked["StatusCode"] == 200 and json.loads(out.read_text())["event"] == {"a": 1}
    aws(server, "lambda", "update-function-configuration", "--function-name", name, "--timeout", "7")
    aws(server, "lambda", "wait", "function-updated-v2", "--function-name", name)
    assert json.loads(aws(server, "lambda", "get-function", "--function-name", name))["Configuration"]["Timeout"] == 7
    tail = aws(server, "logs", "filter-log-events", "--log-group-name", f"/aws/lambda/{name}", "--query",
               "events[].message", "--output", "text")
    assert "START RequestId" in tail
    assert name in aws(server, "lambda", "list-functions", "--query", "Functions[].FunctionName")
    aws(server, "lambda", "put-function-concurrency", "--function-name", name,
        "--reserved-concurrent-executions", "2")
    aws(server, "lambda", "delete-function", "--function-name", name)
    missing = aws(server, "lambda", "get-function", "--function-name", name, fails=True)
    assert "(ResourceNotFoundException)" in missing and f"function:{name}" in missing


def test_identity(server):
    assert json.loads(aws(server, "sts", "get-caller-identity"))["Account"] == "000000000000"


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "-i", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    head, _, body = done.stdout.partition("\n\n")
    status = int(head.split(" ")[1])
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head.splitlines()[1:])}
    return status, headers, body


def test_curl_invokes_without_credentials(server, client):
    name = create(client, python(ECHO["python"]))
    url = f"{server.endpoint}/2015-03-31/functions/{name}/invocations"
    status, headers, body = curl("-d", '{"n": 1}', url)
    assert status == 200 and json.loads(body)["event"] == {"n": 1}
    assert headers["x-amz-executed-version"] == "$LATEST"
    assert headers["x-amzn-requestid"] == json.loads(body)["id"]
    status, headers, body = curl(f"{server.endpoint}/2015-03-31/functions/nowhere")
    assert status == 404 and headers["x-amzn-errortype"] == "ResourceNotFoundException"
    assert json.loads(body)["Type"] == "User"


def test_health(server):
    for path in ("/health", "/_localstack/health"):
        status, _, body = curl(server.endpoint + path)
        assert status == 200
        json.loads(body)
    assert json.loads(body)["services"]["lambda"] in ("available", "running")


def test_foreign_pages_are_refused(server):
    status, _, _ = curl("-H", "Host: evil.example", f"{server.endpoint}/2015-03-31/functions/")
    assert status == 403
