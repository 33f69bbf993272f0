"""Resource policies: what is stored, and how it is shown. That function URLs keep to them is in test_url_access.py."""

import json

import pytest
from botocore.exceptions import ClientError

from functions import create, python
from test_aws_cli import aws

CODE = python("def handler(event, context):\n    return 'ok'\n")


@pytest.fixture
def function(client):
    return create(client, CODE, Publish=True)


def add(client, name, sid, principal="s3.amazonaws.com", action="lambda:InvokeFunction", **settings):
    answer = client.add_permission(FunctionName=name, StatementId=sid, Action=action, Principal=principal, **settings)
    return json.loads(answer["Statement"])


def policy(client, name, **qualifier):
    answer = client.get_policy(FunctionName=name, **qualifier)
    return json.loads(answer["Policy"]), answer["RevisionId"]


def test_every_condition_is_shown_as_aws_shows_it(client, function):
    arn = client.get_function_configuration(FunctionName=function)["FunctionArn"]
    statement = add(client, function, "all", principal="*", action="lambda:InvokeFunctionUrl", SourceArn="arn:aws:s3:::b",
                    SourceAccount="111122223333", EventSourceToken="token", PrincipalOrgID="o-1234567890",
                    FunctionUrlAuthType="AWS_IAM")
    assert statement == {
        "Sid": "all", "Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunctionUrl", "Resource": arn,
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": "111122223333", "lambda:EventSourceToken": "token",
                             "lambda:FunctionUrlAuthType": "AWS_IAM", "aws:PrincipalOrgID": "o-1234567890"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
        },
    }
    via_url = add(client, function, "via", principal="111122223333", InvokedViaFunctionUrl=True)
    assert via_url["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert via_url["Condition"] == {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
    document, _ = policy(client, function)
    assert document == {"Version": "2012-10-17", "Id": "default", "Statement": [statement, via_url]}


def test_function_version_and_alias_have_policies_of_their_own(client, function):
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    for qualifier in ({}, {"Qualifier": "1"}, {"Qualifier": "live"}):
        with pytest.raises(client.exceptions.ResourceNotFoundException, match="The resource you requested does not exist."):
            client.get_policy(FunctionName=function, **qualifier)
        resource = add(client, function, "s3", **qualifier)["Resource"]
        assert resource.split(":function:")[1] == ":".join([function, *qualifier.values()])
        document, _ = policy(client, function, **qualifier)
        assert [s["Resource"] for s in document["Statement"]] == [resource]
    client.remove_permission(FunctionName=function, StatementId="s3", Qualifier="1")
    assert policy(client, function) and policy(client, function, Qualifier="live")


def test_revisions_guard_against_lost_updates(client, function):
    revision = client.get_function_configuration(FunctionName=function)["RevisionId"]
    add(client, function, "a", RevisionId=revision)
    _, current = policy(client, function)
    assert current != revision and client.get_function_configuration(FunctionName=function)["RevisionId"] == current
    with pytest.raises(client.exceptions.PreconditionFailedException, match="GetPolicy"):
        add(client, function, "b", RevisionId=revision)
    with pytest.raises(client.exceptions.PreconditionFailedException, match="GetFunction/GetAlias"):
        client.remove_permission(FunctionName=function, StatementId="a", RevisionId=revision)
    client.remove_permission(FunctionName=function, StatementId="a", RevisionId=current)


def test_what_is_wrong_is_refused_in_awss_words(client, function):
    add(client, function, "s3")
    for settings, code, message in (
        ({"sid": "s3"}, "ResourceConflictException", "The statement id (s3) provided already exists."),
        ({"sid": "x", "principal": "nobody"}, "InvalidParameterValueException", "The provided principal was invalid."),
        ({"sid": "x", "Qualifier": "$LATEST"}, "InvalidParameterValueException", "adding policies for $LATEST"),
        ({"sid": "x", "Qualifier": "9"}, "ResourceNotFoundException", f"Function not found: "),
        ({"sid": "x", "Qualifier": "nope"}, "ResourceNotFoundException", "Cannot find alias arn: "),
        ({"sid": "x.y"}, "ValidationException", "statementId"),
        ({"sid": "x", "SourceAccount": "12"}, "ValidationException", "sourceAccount"),
    ):
        with pytest.raises(ClientError) as refused:
            add(client, function, **settings)
        error = refused.value.response["Error"]
        assert error["Code"] == code and message in error["Message"], error
    with pytest.raises(client.exceptions.PolicyLengthExceededException):
        for number in range(10):
            add(client, function, f"long-{number}", SourceArn="arn:aws:s3:::" + "a" * 5000)


def test_policies_survive_kill_9(make_server):
    server = make_server().start()
    client = server.client()
    name = create(client, CODE, Publish=True)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for qualifier in ({}, {"Qualifier": "1"}, {"Qualifier": "live"}):
        add(client, name, "s3", **qualifier)
    before = [policy(client, name, **q) for q in ({}, {"Qualifier": "1"}, {"Qualifier": "live"})]
    server.kill()
    client = server.start().client()
    assert [policy(client, name, **q) for q in ({}, {"Qualifier": "1"}, {"Qualifier": "live"})] == before


@pytest.mark.aws_cli
def test_the_aws_cli(server, client, function):
    added = json.loads(aws(server, "lambda", "add-permission", "--function-name", function, "--statement-id", "sns",
                           "--action", "lambda:InvokeFunction", "--principal", "sns.amazonaws.com", "--qualifier", "1",
                           "--source-arn", "arn:aws:sns:us-east-1:000000000000:topic"))
    statement = json.loads(added["Statement"])
    shown = json.loads(aws(server, "lambda", "get-policy", "--function-name", f"{function}:1"))
    assert json.loads(shown["Policy"])["Statement"] == [statement]
    aws(server, "lambda", "remove-permission", "--function-name", function, "--statement-id", "sns", "--qualifier", "1",
        "--revision-id", shown["RevisionId"])
    gone = aws(server, "lambda", "get-policy", "--function-name", function, "--qualifier", "1", fails=True)
    assert "ResourceNotFoundException" in gone and "The resource you requested does not exist." in gone
