"""Hearth's own API as functions see it: SDKs find it without configuration, and only their own credentials are good."""

import json
import re

import pytest

from functions import ROLE, create, invoke, python
from sdks import with_aws_sdk, with_boto3
from tier import TIER

pytestmark = pytest.mark.every_tier

ECHO = "def handler(event, context):\n    return {'echo': event}\n"

# Calls what the event says with the client it says.
CALLER = """
    import json, os
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError

    def handler(event, context):
        if event.get("depth"):
            event["depth"] -= 1
            answer = boto3.client("lambda").invoke(FunctionName=context.function_name, Payload=json.dumps(event))
            return 1 + json.load(answer["Payload"])
        if "depth" in event:
            return 0
        if event.get("do") == "environment":
            return dict(os.environ)
        client = boto3.client(
            event.get("service", "lambda"), config=Config(retries={"max_attempts": 0}), **event.get("client", {}))
        try:
            answer = getattr(client, event["call"])(**event.get("with", {}))
        except ClientError as error:
            return {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
        if "Payload" in answer:
            answer["Payload"] = json.load(answer["Payload"])
        if "EventStream" in answer:
            chunks = [event["PayloadChunk"]["Payload"] for event in answer["EventStream"] if "PayloadChunk" in event]
            answer["EventStream"] = json.loads(b"".join(chunks))
        answer.pop("ResponseMetadata")
        return answer
"""

NODE_CALLER = """
    import { InvokeCommand, LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";

    export const handler = async (event) => {
      const client = new LambdaClient();
      const answer = await client.send(new InvokeCommand({ FunctionName: event.name, Payload: '{"from": "node"}' }));
      const refused = await client.send(new ListFunctionsCommand()).catch((error) => error.name);
      return { payload: JSON.parse(Buffer.from(answer.Payload).toString()), refused };
    };
"""


# Without a network, where a function can be without.
TAGS = {} if TIER == "process" else {"hearth:network": "none"}


@pytest.fixture(scope="module")
def package():
    return with_boto3(CALLER)


@pytest.fixture(scope="module")
def caller(client, package):
    """A function without a network, where it can be without, that calls Hearth by boto3."""
    name = create(client, package, Timeout=60, MemorySize=512, Tags=TAGS)

    def call(**event):
        answer = invoke(client, name, event)
        assert answer.error is None, answer.payload
        return answer.payload

    call.function = name
    return call


@pytest.fixture(scope="module")
def echo(client):
    return create(client, python(ECHO))


def test_boto3_invokes_another_function_without_configuration(caller, echo):
    answer = caller(call="invoke", **{"with": {"FunctionName": echo, "Payload": json.dumps({"from": "python"})}})
    assert answer["StatusCode"] == 200 and answer["Payload"] == {"echo": {"from": "python"}}


def test_functions_read_streams_of_others(caller, echo):
    arguments = {"FunctionName": echo, "Payload": json.dumps({"from": "python"})}
    answer = caller(call="invoke_with_response_stream", **{"with": arguments})
    assert answer["EventStream"] == {"echo": {"from": "python"}}


def test_the_sdk_for_javascript_does_too(client, echo):
    name = create(client, with_aws_sdk(NODE_CALLER), runtime="nodejs20.x", Timeout=60, MemorySize=512,
                  Tags=TAGS)
    answer = invoke(client, name, {"name": echo})
    assert answer.error is None, answer.payload
    assert answer.payload == {"payload": {"echo": {"from": "node"}}, "refused": "AccessDeniedException"}


def test_a_function_invokes_itself(caller):
    assert caller(depth=3) == 3


def test_the_caller_is_the_functions_role(caller):
    identity = caller(service="sts", call="get_caller_identity")
    assert identity["Account"] == "000000000000"
    assert identity["Arn"] == f"arn:aws:sts::000000000000:assumed-role/test/{caller.function}"


def test_control_operations_are_denied(caller, echo):
    for call, arguments in [
        ("list_functions", {}),
        ("get_function", {"FunctionName": echo}),
        ("delete_function", {"FunctionName": echo}),
        ("update_function_configuration", {"FunctionName": caller.function, "Timeout": 900}),
        ("create_function", {"FunctionName": "x", "Role": ROLE, "Runtime": "python3.11", "Handler": "a.b",
                             "Code": {"ZipFile": "eA=="}}),
    ]:
        assert caller(call=call, **{"with": arguments})["code"] == "AccessDeniedException", call
    event = {"logGroupName": f"/aws/lambda/{caller.function}", "logStreamName": "own",
             "logEvents": [{"timestamp": 0, "message": "own"}]}
    refused = caller(service="logs", call="put_log_events", **{"with": event})
    assert refused["code"] == "AccessDeniedException", refused
    assert refused["message"].endswith("allows the logs:PutLogEvents action"), refused


def test_made_up_credentials_open_nothing_in_dev_either(caller, echo):
    """From outside `hearth dev` believes everyone, and an access key of twelve digits is an account."""
    for key in ("test", "000000000000", "AKIAIOSFODNN7EXAMPLE"):
        client = {"aws_access_key_id": key, "aws_secret_access_key": "test", "aws_session_token": None}
        for call, arguments in [("list_functions", {}), ("invoke", {"FunctionName": echo})]:
            refused = caller(call=call, client=client, **{"with": arguments})
            assert refused["code"] == "UnrecognizedClientException", (key, call, refused)


def test_unsigned_requests_open_nothing(client, caller):
    name = create(client, python("""
        import os, urllib.error, urllib.request

        def handler(event, context):
            answers = []
            for path in ["/2015-03-31/functions/", "/2015-03-31/functions/x/invocations", "/"]:
                try:
                    answers.append(urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + path, timeout=20).status)
                except urllib.error.HTTPError as error:
                    answers.append(error.code)
            return answers
    """), Timeout=60)
    answers = invoke(client, name).payload
    assert answers[0] == 403 and all(400 <= answer < 500 for answer in answers), answers


def test_the_credentials_of_another_environment_are_not_good(client, package, caller, echo):
    other = create(client, package, Timeout=60, MemorySize=512)
    theirs = invoke(client, other, {"do": "environment"}).payload
    stolen = {
        "aws_access_key_id": theirs["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": theirs["AWS_SECRET_ACCESS_KEY"],
        "aws_session_token": theirs["AWS_SESSION_TOKEN"],
    }
    refused = caller(call="invoke", client=stolen, **{"with": {"FunctionName": echo}})
    assert refused["code"] == "UnrecognizedClientException", refused


def test_who_may_not_ask_is_told_before_the_body(client, caller):
    """Announces a body that would take memory, and never sends it."""
    name = create(client, python("""
        import os, socket, time

        def handler(event, context):
            host, port = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://").split(":")
            when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            credential = f"{os.environ['AWS_ACCESS_KEY_ID']}/{when[:8]}/us-east-1/lambda/aws4_request"
            head = [
                f"POST {event['path']} HTTP/1.1", f"Host: {host}:{port}", "Content-Length: 1000000",
                "Expect: 100-continue", f"X-Amz-Date: {when}",
                f"X-Amz-Security-Token: {event.get('token', os.environ['AWS_SESSION_TOKEN'])}",
                f"Authorization: AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, "
                f"Signature={'0' * 64}", "", ""]
            with socket.create_connection((host, int(port)), 20) as connection:
                connection.sendall("\\r\\n".join(head).encode())
                return connection.recv(65536).decode()
    """), Timeout=60)
    control = invoke(client, name, {"path": "/2015-03-31/functions"}).payload
    assert control.startswith("HTTP/1.1 403") and "AccessDeniedException" in control, control
    made_up = invoke(client, name, {"path": f"/2015-03-31/functions/{name}/invocations", "token": "made up"}).payload
    assert made_up.startswith("HTTP/1.1 403") and "UnrecognizedClientException" in made_up, made_up
    own = invoke(client, name, {"path": f"/2015-03-31/functions/{name}/invocations"}).payload
    assert own.startswith("HTTP/1.1 100"), own


def test_the_functions_own_endpoint_wins(client, package, caller):
    platforms = r"http://127\.0\.0\.1:\d+" if TIER == "process" else r"http://169\.254\.100\.1:4566"
    assert re.fullmatch(platforms, caller(do="environment")["AWS_ENDPOINT_URL"])
    own = {"Variables": {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}}
    name = create(client, package, Timeout=60, MemorySize=512, Environment=own)
    assert invoke(client, name, {"do": "environment"}).payload["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"


def test_services_that_are_not_there_say_so(client, caller):
    name = create(client, python("""
        import os, urllib.error, urllib.request

        def handler(event, context):
            request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], b"{}", {
                "X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0",
                "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/dynamodb/aws4_request, "
                                 "SignedHeaders=host, Signature=0"})
            try:
                urllib.request.urlopen(request, timeout=20)
            except urllib.error.HTTPError as error:
                return [error.code, error.read().decode()]
    """), Timeout=60)
    code, text = invoke(client, name).payload
    assert code == 404 and "DynamoDB_20120810.ListTables" in text, (code, text)


@pytest.mark.skipif(TIER == "process", reason="there is no serve in the tier process")
def test_a_key_of_the_installation_is_good_inside_serve(make_server, package):
    server = make_server(mode="serve").start()
    key, secret = server.root_key()
    client = server.root_client()
    name = create(client, package, Timeout=60, MemorySize=512)
    mine = {"aws_access_key_id": key, "aws_secret_access_key": secret, "aws_session_token": ""}
    listed = invoke(client, name, {"call": "list_functions", "client": mine}).payload
    assert [function["FunctionName"] for function in listed["Functions"]] == [name]
    assert invoke(client, name, {"call": "list_functions"}).payload["code"] == "AccessDeniedException"
    wrong = mine | {"aws_secret_access_key": "wrong"}
    refused = invoke(client, name, {"call": "list_functions", "client": wrong}).payload
    assert refused["code"] == "InvalidSignatureException", refused
