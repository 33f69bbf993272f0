"""Tags, and the one that is the network policy."""

import json

import pytest
from botocore.exceptions import ClientError

from functions import create, invoke, python
from test_aws_cli import aws

WHO = """
import os
def handler(event, context):
    return {"pid": os.getpid(), "stream": context.log_stream_name}
"""


@pytest.fixture
def function(client):
    return create(client, python(WHO), Tags={"team": "a"}, Publish=True)


@pytest.fixture
def arn(client, function):
    return client.get_function_configuration(FunctionName=function)["FunctionArn"]


def tags(client, arn):
    return client.list_tags(Resource=arn)["Tags"]


def test_tags_come_and_go(client, function, arn):
    revision = client.get_function_configuration(FunctionName=function)["RevisionId"]
    client.tag_resource(Resource=arn, Tags={"team": "b", "größe": "a b/c=d"})
    assert tags(client, arn) == {"team": "b", "größe": "a b/c=d"}
    assert client.get_function(FunctionName=function)["Tags"] == tags(client, arn)
    assert client.get_function(FunctionName=function, Qualifier="1")["Tags"] == tags(client, arn)
    assert client.get_function_configuration(FunctionName=function)["RevisionId"] != revision
    client.untag_resource(Resource=arn, TagKeys=["team", "größe", "not there"])
    assert tags(client, arn) == {} and "Tags" not in client.get_function(FunctionName=function)


def test_what_is_wrong_is_refused(client, arn):
    for resource, wanted, code, message in (
        (f"{arn}:1", {"a": "b"}, "InvalidParameterValueException", "Tags on function aliases and versions"),
        (f"{arn}-not", {"a": "b"}, "ResourceNotFoundException", "Function not found"),
        ("arn:aws:s3:::bucket", {"a": "b"}, "ValidationException", "'resource' failed to satisfy constraint"),
        (arn, {}, "InvalidParameterValueException", "An error occurred and the request cannot be processed."),
        (arn, {"aws:a": "b"}, "InvalidParameterValueException", "reserved for system use"),
        (arn, {f"k{n}": "v" for n in range(50)}, "InvalidParameterValueException", "exceeds resource tag limit"),
        (arn, {"a": "v" * 257}, "ValidationException", "tags"),
        (arn, {"hearth:network": "http://host"}, "InvalidParameterValueException", "is not a network policy"),
    ):
        with pytest.raises(ClientError) as refused:
            client.tag_resource(Resource=resource, Tags=wanted)
        error = refused.value.response["Error"]
        assert error["Code"] == code and message in error["Message"], error
    assert tags(client, arn) == {"team": "a"}


def test_a_new_network_policy_replaces_environments(client, function, arn):
    before = {q: invoke(client, function, Qualifier=q).payload["stream"] for q in ("$LATEST", "1")}
    client.tag_resource(Resource=arn, Tags={"team": "c"})
    assert all(invoke(client, function, Qualifier=q).payload["stream"] == stream for q, stream in before.items())
    client.tag_resource(Resource=arn, Tags={"hearth:network": "none"})
    after = {q: invoke(client, function, Qualifier=q).payload["stream"] for q in ("$LATEST", "1")}
    assert all(after[q] != before[q] for q in before)


def test_tags_survive_a_restart(make_server):
    server = make_server().start()
    client = server.client()
    name = create(client, python(WHO), Tags={"a": "1", "hearth:network": "none"})
    server.kill()
    client = server.start().client()
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    assert tags(client, arn) == {"a": "1", "hearth:network": "none"}


@pytest.mark.aws_cli
def test_the_aws_cli(server, client, arn):
    aws(server, "lambda", "tag-resource", "--resource", arn, "--tags", "stage=test,owner=ada")
    listed = json.loads(aws(server, "lambda", "list-tags", "--resource", arn))
    assert listed["Tags"] == {"team": "a", "stage": "test", "owner": "ada"}
    aws(server, "lambda", "untag-resource", "--resource", arn, "--tag-keys", "stage", "owner")
    assert tags(client, arn) == {"team": "a"}
