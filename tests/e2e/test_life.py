"""The life of a function through boto3, in every managed language."""

import base64
import hashlib
import http.client
import io
import json
import re
import urllib.request
import zipfile

import pytest
from botocore.exceptions import ClientError

from functions import ROLE, TIMEOUT, create, invoke, log_lines, python, unique
from languages import ECHO, RUNTIME, WISH, deploy, package_of

pytestmark = pytest.mark.every_tier


def test_create_answers_pending_then_active(client, language):
    name = unique()
    zip_file = package_of(language, ECHO[language])
    created = client.create_function(
        FunctionName=name, Runtime=RUNTIME[language], Role=ROLE,
        Handler="app.handler" if language == "python" else "index.handler",
        Code={"ZipFile": zip_file}, Environment={"Variables": {"COLOUR": "blue"}}, Tags={"team": "a"},
    )
    assert created["State"] == "Pending" and created["StateReasonCode"] == "Creating"
    assert created["StateReason"] == "The function is being created."
    assert "LastUpdateStatus" not in created
    assert created["CodeSha256"] == base64.b64encode(hashlib.sha256(zip_file).digest()).decode()
    assert (created["MemorySize"], created["Timeout"], created["CodeSize"]) == (128, 3, len(zip_file))
    assert created["Architectures"] == ["x86_64"] and created["EphemeralStorage"] == {"Size": 512}
    assert created["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", created["LastModified"])
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    active = client.get_function(FunctionName=name)
    assert active["Configuration"]["State"] == "Active"
    assert active["Configuration"]["LastUpdateStatus"] == "Successful"
    assert active["Configuration"]["RevisionId"] != created["RevisionId"]
    assert active["Configuration"]["Environment"] == {"Variables": {"COLOUR": "blue"}}
    assert active["Tags"] == {"team": "a"}
    assert active["Code"]["RepositoryType"] == "S3"


def test_the_code_can_be_fetched_again(client):
    zip_file = python(ECHO["python"])
    name = create(client, zip_file)
    location = client.get_function(FunctionName=name)["Code"]["Location"]
    with urllib.request.urlopen(location) as response:
        fetched = response.read()
    assert fetched == zip_file
    assert zipfile.ZipFile(io.BytesIO(fetched)).namelist() == ["app.py"]


def test_invoke_answers_with_the_functions_result(client, logs, language):
    name = deploy(client, language, ECHO)
    answer = invoke(client, name, {"n": [1, "ü", None]})
    assert (answer.status, answer.error, answer.version) == (200, None, "$LATEST")
    assert answer.payload == {"event": {"n": [1, "ü", None]}, "id": answer.request_id}
    lines = log_lines(logs, name)
    assert [line.split(" ")[0] for line in lines if line.split(" ")[0].isupper()] == [
        "INIT_START", "START", "END", "REPORT",
    ]
    runtime = client.get_function_configuration(FunctionName=name)["RuntimeVersionConfig"]
    assert lines[0].endswith(f"\tRuntime Version ARN: {runtime['RuntimeVersionArn']}")
    assert lines[1] == f"START RequestId: {answer.request_id} Version: $LATEST"
    assert lines[2].endswith(f"event for {name}")
    report = rf"REPORT RequestId: {answer.request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t" \
             r"Memory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t"
    assert re.fullmatch(report, lines[4]), lines[4]
    assert answer.log.rstrip("\n").splitlines() == lines[-len(answer.log.splitlines()):]


def test_an_environment_is_reused(client, language):
    name = deploy(client, language, WISH)
    first, second = invoke(client, name).payload, invoke(client, name).payload
    assert (first["calls"], second["calls"]) == (1, 2)
    assert first["pid"] == second["pid"]


TRACE = {
    "python": """
        import os

        def handler(event, context):
            name = "_X_AMZN_TRACE_ID"
            return [os.environ.get(name), dict(os.environ).get(name), list(os.environ).count(name)]
    """,
    "node": """
        exports.handler = async () => {
          const name = "_X_AMZN_TRACE_ID";
          const listed = Object.keys(process.env).filter((key) => key === name).length;
          return [process.env[name], { ...process.env }[name], listed];
        };
    """,
}


def test_each_of_many_invocations_sees_its_own_trace(server, client, language):
    """The bootstraps keep the variable themselves after the first thousand."""
    function = deploy(client, language, TRACE)
    connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"))
    for number in range(1200):
        trace = f"Root=1-6955b900-{number:024x};Parent=0123456789abcdef;Sampled=1"
        path = f"/2015-03-31/functions/{function}/invocations"
        connection.request("POST", path, headers={"X-Amzn-Trace-Id": trace})
        assert json.loads(connection.getresponse().read()) == [trace, trace, 1], number


def test_an_update_of_the_code_is_what_runs_next(client, language):
    name = deploy(client, language, WISH)
    invoke(client, name)
    code = {
        "python": "def handler(event, context):\n    return 'second'\n",
        "node": "exports.handler = async () => 'second';\n",
    }
    updated = client.update_function_code(FunctionName=name, ZipFile=package_of(language, code[language]))
    assert updated["State"] == "Active" and updated["LastUpdateStatus"] == "InProgress"
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    assert invoke(client, name).payload == "second"


def test_an_update_of_the_configuration_is_what_runs_next(client):
    name = create(client, python("""
        import os

        def handler(event, context):
            return [os.environ.get("COLOUR"), context.memory_limit_in_mb]
    """))
    assert invoke(client, name).payload == [None, "128"]
    before = client.get_function_configuration(FunctionName=name)
    client.update_function_configuration(
        FunctionName=name, MemorySize=256, Timeout=9, Description="d", Environment={"Variables": {"COLOUR": "red"}}
    )
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    after = client.get_function_configuration(FunctionName=name)
    assert (after["MemorySize"], after["Timeout"], after["Description"]) == (256, 9, "d")
    assert after["RevisionId"] != before["RevisionId"] and after["CodeSha256"] == before["CodeSha256"]
    assert invoke(client, name).payload == ["red", "256"]


def test_a_stale_revision_is_refused(client):
    name = create(client, python(ECHO["python"]))
    with pytest.raises(ClientError) as refused:
        client.update_function_configuration(FunctionName=name, Timeout=5, RevisionId="00000000-0000-4000-8000-000000000000")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert refused.value.response["Error"]["Code"] == "PreconditionFailedException"
    assert client.get_function_configuration(FunctionName=name)["Timeout"] == TIMEOUT


def test_listing_pages_through_all(server):
    client = server.client(region="eu-west-3")
    names = sorted(create(client, python(ECHO["python"]), wait=False) for _ in range(7))
    pages = list(client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["Functions"]) for page in pages] == [3, 3, 1]
    assert sorted(f["FunctionName"] for page in pages for f in page["Functions"]) == names
    for name in names:
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
        client.delete_function(FunctionName=name)
    assert client.list_functions()["Functions"] == []


def test_a_deleted_function_is_gone(client):
    name = create(client, python(ECHO["python"]))
    client.get_waiter("function_exists").wait(FunctionName=name)
    invoke(client, name)
    assert client.delete_function(FunctionName=name)["ResponseMetadata"]["HTTPStatusCode"] in (200, 204)
    for call in (client.get_function, client.invoke, client.delete_function, client.get_function_configuration):
        with pytest.raises(ClientError) as missing:
            call(FunctionName=name)
        assert missing.value.response["Error"]["Code"] == "ResourceNotFoundException"
        assert missing.value.response["Error"]["Message"].startswith(
            f"Function not found: arn:aws:lambda:us-east-1:000000000000:function:{name}"
        )


def test_accounts_and_regions_are_apart(server):
    name = create(server.client(key="111111111111"), python(ECHO["python"]))
    arn = f"arn:aws:lambda:us-east-1:111111111111:function:{name}"
    mine = server.client(key="111111111111")
    assert mine.get_function(FunctionName=name)["Configuration"]["FunctionArn"] == arn
    for other in (server.client(key="222222222222"), server.client(key="111111111111", region="eu-west-1")):
        with pytest.raises(ClientError) as missing:
            other.get_function(FunctionName=name)
        assert missing.value.response["Error"]["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize("form", ["{name}", "{name}:$LATEST", "000000000000:function:{name}",
                                  "arn:aws:lambda:us-east-1:000000000000:function:{name}"])
def test_every_form_of_the_name_invokes(client, form):
    name = create(client, python(ECHO["python"]))
    assert invoke(client, form.format(name=name), 1).payload["event"] == 1


def test_dry_run_and_empty_payload(client):
    name = create(client, python(ECHO["python"]))
    assert client.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    answer = client.invoke(FunctionName=name)
    assert answer["Payload"].read().startswith(b'{"event": {}')


def test_client_context_reaches_the_function(client):
    name = create(client, python("""
        def handler(event, context):
            return [context.client_context.custom, context.client_context.env]
    """))
    context = base64.b64encode(b'{"custom": {"a": "b"}, "env": {"locale": "de"}}').decode()
    assert invoke(client, name, ClientContext=context).payload == [{"a": "b"}, {"locale": "de"}]


def test_reserved_concurrency_round_trip(client):
    name = create(client, python(ECHO["python"]))
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=name)
    put = client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert put["ReservedConcurrentExecutions"] == 0
    assert client.get_function(FunctionName=name)["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    with pytest.raises(ClientError) as throttled:
        invoke(client, name)
    error = throttled.value.response
    assert error["Error"]["Code"] == "TooManyRequestsException"
    assert error["Error"]["Message"] == "Rate Exceeded."
    assert error["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    client.delete_function_concurrency(FunctionName=name)
    assert invoke(client, name).error is None


def test_account_settings_and_identity(server, client):
    settings = client.get_account_settings()
    assert settings["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert settings["AccountLimit"]["CodeSizeZipped"] == 52428800
    assert settings["AccountUsage"]["FunctionCount"] >= 0
    identity = server.client("sts", key="123456789012").get_caller_identity()
    assert identity["Account"] == "123456789012"
