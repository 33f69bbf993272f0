"""Versions and aliases, through boto3, the AWS CLI and the hearth command."""

import json
import os
import subprocess
import threading
from collections import Counter

import pytest
from botocore.exceptions import ClientError

from functions import create, invoke, log_lines, python, unique
from server import BINARY, clean_environment, wait_until
from test_aws_cli import aws, payload_format

CONTEXT = """
import os
calls = 0
def handler(event, context):
    global calls
    calls += 1
    print("version", context.function_version)
    return {"number": %s, "calls": calls, "version": context.function_version, "arn": context.invoked_function_arn,
            "variable": os.environ["AWS_LAMBDA_FUNCTION_VERSION"], "stream": context.log_stream_name,
            "role": os.environ.get("STAGE"), "pid": os.getpid()}
"""


def code(number):
    return python(CONTEXT % number)


def update(client, name, number):
    client.update_function_code(FunctionName=name, ZipFile=code(number))
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})


def publish(client, name, **settings):
    return client.publish_version(FunctionName=name, **settings)["Version"]


@pytest.fixture(scope="module")
def released(client):
    """A function with versions 1 and 2 and a later $LATEST."""
    name = create(client, code(1), Environment={"Variables": {"STAGE": "one"}})
    assert publish(client, name, Description="the first") == "1"
    update(client, name, 2)
    assert publish(client, name) == "2"
    update(client, name, 3)
    return name


def test_each_version_runs_its_own_code_in_environments_of_its_own(client, released):
    latest = invoke(client, released)
    assert (latest.version, latest.payload["number"], latest.payload["version"]) == ("$LATEST", 3, "$LATEST")
    seen = {latest.payload["pid"]}
    for number in (1, 2):
        cold, warm = (invoke(client, released, Qualifier=str(number)) for _ in range(2))
        answer = cold.payload
        assert cold.version == answer["version"] == answer["variable"] == str(number)
        assert answer["number"] == number and answer["role"] == "one"
        assert answer["arn"].endswith(f":function:{released}:{number}")
        assert f"[{number}]" in answer["stream"]
        assert "Init Duration" in cold.log and f"Version: {number}" in cold.log
        assert warm.payload["calls"] == answer["calls"] + 1 and warm.payload["stream"] == answer["stream"]


def test_versions_have_log_streams_of_their_own(client, logs, released):
    invoke(client, released, Qualifier="1")
    streams = wait_until(
        lambda: [s["logStreamName"] for s in logs.describe_log_streams(logGroupName=f"/aws/lambda/{released}")["logStreams"]
                 if "[1]" in s["logStreamName"]],
        "the version's stream is there",
    )
    assert "version 1" in wait_until(lambda: log_lines(logs, released, logStreamNames=streams), "and its lines")


def test_a_version_stays_as_it_is(client, released):
    before = client.get_function(FunctionName=released, Qualifier="1")["Configuration"]
    client.update_function_configuration(FunctionName=released, Timeout=9, Environment={"Variables": {"STAGE": "two"}})
    client.get_waiter("function_updated_v2").wait(FunctionName=released, WaiterConfig={"Delay": 0.05})
    assert client.get_function(FunctionName=released, Qualifier="1")["Configuration"] == before
    assert before["Description"] == "the first" and before["FunctionArn"].endswith(":1")
    assert invoke(client, released, Qualifier="1").payload["role"] == "one"
    assert invoke(client, released).payload["role"] == "two"


def test_the_qualifier_stands_in_the_name_or_beside_it(client, released):
    arn = client.get_function_configuration(FunctionName=released)["FunctionArn"]
    for name in (f"{released}:1", f"{arn}:1", f"000000000000:function:{released}:1"):
        answer = invoke(client, name)
        assert answer.version == "1" and answer.payload["arn"] == f"{arn}:1"
    with pytest.raises(ClientError, match="derived qualifier"):
        invoke(client, f"{released}:1", Qualifier="2")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match=f"{released}:77"):
        invoke(client, released, Qualifier="77")


def test_an_alias_divides_invocations_by_its_weights(client, released):
    alias = unique("a")
    client.create_alias(FunctionName=released, Name=alias, FunctionVersion="1",
                        RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}})
    answers = [invoke(client, released, Qualifier=alias) for _ in range(200)]
    for answer in answers:
        assert answer.version == answer.payload["version"]
        assert answer.payload["arn"].endswith(f":{released}:{alias}")
    counts = Counter(answer.version for answer in answers)
    # Less than once in a million runs further off.
    assert set(counts) == {"1", "2"} and 20 <= counts["2"] <= 85, counts
    client.update_alias(FunctionName=released, Name=alias, RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
    assert {invoke(client, released, Qualifier=alias).version for _ in range(10)} == {"2"}
    client.update_alias(FunctionName=released, Name=alias, FunctionVersion="2", RoutingConfig={"AdditionalVersionWeights": {}})
    assert invoke(client, released, Qualifier=alias).version == "2"


def test_events_go_through_an_alias(client, logs, released):
    alias = unique("e")
    client.create_alias(FunctionName=released, Name=alias, FunctionVersion="2")
    answer = client.invoke(FunctionName=released, Qualifier=alias, InvocationType="Event", Payload=b"{}")
    request = answer["ResponseMetadata"]["RequestId"]
    assert answer["StatusCode"] == 202
    wait_until(lambda: any(f"START RequestId: {request} Version: 2" in line for line in log_lines(logs, released)),
               "version 2 ran the event")


def test_a_moved_alias_is_followed_at_once(client):
    name = create(client, code(1), Publish=True)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    stop, failures = threading.Event(), []

    def call():
        while not stop.is_set():
            answer = invoke(client, name, Qualifier="live")
            if answer.error or answer.version not in "123" or answer.payload["version"] != answer.version:
                failures.append(answer.raw)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        for number in (2, 3):
            update(client, name, number)
            version = publish(client, name)
            client.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
            assert invoke(client, name, Qualifier="live").payload["number"] == number
            client.delete_function(FunctionName=name, Qualifier=str(number - 1))
    finally:
        stop.set()
        for caller in callers:
            caller.join(60)
    assert not failures, failures[:3]


def lines_of(logs, name):
    """The log once an invocation has ended."""
    lines = log_lines(logs, name)
    return lines if any(line.startswith("REPORT") for line in lines) else None


def test_reserved_concurrency_is_shared_by_all_versions(client, logs):
    body = "import time\ndef handler(event, context):\n    print('begun')\n    time.sleep(event.get('seconds', 0))\n"
    name = create(client, python(body), Publish=True, Timeout=60)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    invoke(client, name)
    before = len(wait_until(lambda: lines_of(logs, name), "the log has the first invocation"))
    busy = threading.Thread(target=lambda: invoke(client, name, {"seconds": 4}, Qualifier="1"))
    busy.start()
    wait_until(lambda: "begun" in log_lines(logs, name)[before:], "version 1 runs")
    with pytest.raises(client.exceptions.TooManyRequestsException):
        invoke(client, name)
    busy.join()
    assert invoke(client, name).version == "$LATEST"
    for operation in (client.get_function_concurrency, client.delete_function_concurrency):
        with pytest.raises(ClientError, match="permitted on Lambda functions only"):
            operation(FunctionName=f"{name}:1")


def test_publish_with_create_and_update(client):
    name = unique()
    created = client.create_function(FunctionName=name, Runtime="python3.11", Role="arn:aws:iam::000000000000:role/r",
                                     Handler="app.handler", Code={"ZipFile": code(1)}, Publish=True)
    assert created["Version"] == "1" and not created["FunctionArn"].endswith(":1")
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig={"Delay": 0.05})
    assert invoke(client, name, Qualifier="1").payload["number"] == 1
    updated = client.update_function_code(FunctionName=name, ZipFile=code(2), Publish=True)
    assert updated["Version"] == "2" and updated["FunctionArn"].endswith(":2")
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    assert invoke(client, name, Qualifier="2").payload["number"] == 2
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name, PaginationConfig={"PageSize": 1})
    assert [v["Version"] for page in pages for v in page["Versions"]] == ["$LATEST", "1", "2"]


def test_numbers_are_not_used_again_and_all_goes_with_the_function(client):
    name = create(client, code(1), Publish=True)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    with pytest.raises(client.exceptions.ResourceConflictException, match=r"aliases reference it: \[live\]"):
        client.delete_function(FunctionName=name, Qualifier="1")
    client.delete_alias(FunctionName=name, Name="live")
    client.delete_function(FunctionName=f"{name}:1")
    assert publish(client, name) == "2"
    client.delete_function(FunctionName=name)
    for missing in (name, f"{name}:2"):
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            invoke(client, missing)
    create(client, code(5), name=name, Publish=True)
    assert client.list_aliases(FunctionName=name)["Aliases"] == []
    assert invoke(client, name, Qualifier="1").payload["number"] == 5


def test_everything_published_survives_a_restart_and_its_packages_the_cleaning(make_server):
    server = make_server().start()
    client = server.client()
    name = create(client, code(1), Publish=True)
    update(client, name, 2)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1",
                        RoutingConfig={"AdditionalVersionWeights": {publish(client, name): 0.5}})
    update(client, name, 3)

    def facts():
        versions = client.list_versions_by_function(FunctionName=name)["Versions"]
        return versions, client.list_aliases(FunctionName=name)["Aliases"], client.get_account_settings()["AccountUsage"]

    before = facts()
    server.stop()
    client = server.start().client()
    assert facts() == before
    assert [invoke(client, name, Qualifier=q).payload["number"] for q in ("1", "2", "$LATEST")] == [1, 2, 3]
    assert invoke(client, name, Qualifier="live").version in ("1", "2")


@pytest.mark.aws_cli
def test_the_aws_cli(server, tmp_path):
    name, zip_file, out = unique("cli"), tmp_path / "code.zip", tmp_path / "out.json"
    zip_file.write_bytes(code(1))
    aws(server, "lambda", "create-function", "--function-name", name, "--runtime", "python3.11", "--role",
        "arn:aws:iam::000000000000:role/r", "--handler", "app.handler", "--zip-file", f"fileb://{zip_file}")
    aws(server, "lambda", "wait", "function-active-v2", "--function-name", name)
    published = json.loads(aws(server, "lambda", "publish-version", "--function-name", name, "--description", "d"))
    assert (published["Version"], published["Description"], published["State"]) == ("1", "d", "Active")
    alias = json.loads(aws(server, "lambda", "create-alias", "--function-name", name, "--name", "live",
                           "--function-version", "1"))
    assert alias["AliasArn"].endswith(f":{name}:live")
    zip_file.write_bytes(code(2))
    aws(server, "lambda", "update-function-code", "--function-name", name, "--zip-file", f"fileb://{zip_file}", "--publish")
    aws(server, "lambda", "wait", "published-version-active", "--function-name", name, "--qualifier", "2")
    aws(server, "lambda", "update-alias", "--function-name", name, "--name", "live", "--routing-config",
        "AdditionalVersionWeights={2=1.0}")
    shown = json.loads(aws(server, "lambda", "get-alias", "--function-name", name, "--name", "live"))
    assert shown["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 1.0}} and shown["FunctionVersion"] == "1"
    invoked = json.loads(aws(server, "lambda", "invoke", "--function-name", f"{name}:live", *payload_format(server),
                             "--payload", "{}", str(out)))
    assert invoked["ExecutedVersion"] == "2" and json.loads(out.read_text())["number"] == 2
    listed = aws(server, "lambda", "list-versions-by-function", "--function-name", name, "--query", "Versions[].Version",
                 "--output", "text")
    assert listed.split() == ["$LATEST", "1", "2"]
    everything = json.loads(aws(server, "lambda", "list-functions", "--function-version", "ALL"))["Functions"]
    assert [f["Version"] for f in everything if f["FunctionName"] == name] == ["$LATEST", "1", "2"]
    aliases = json.loads(aws(server, "lambda", "list-aliases", "--function-name", name, "--function-version", "2"))
    assert [a["Name"] for a in aliases["Aliases"]] == ["live"]
    refused = aws(server, "lambda", "delete-function", "--function-name", name, "--qualifier", "2", fails=True)
    assert "Unable to delete version because the following aliases reference it: [live]" in refused
    aws(server, "lambda", "delete-alias", "--function-name", name, "--name", "live")
    aws(server, "lambda", "delete-function", "--function-name", name, "--qualifier", "1")


def hearth(server, *arguments, status=0):
    done = subprocess.run(
        [BINARY, *arguments, "--endpoint", server.endpoint], capture_output=True, text=True, timeout=120,
        env=clean_environment(HOME=os.environ.get("HOME", "/")),
    )
    assert done.returncode == status, done.stderr
    return done


def test_the_hearth_command(server, tmp_path):
    folder = tmp_path / unique("d")
    folder.mkdir()
    (folder / "app.py").write_text(CONTEXT % 1)
    name = folder.name
    first = hearth(server, "deploy", folder, "--publish", "--alias", "live")
    assert first.stdout.strip().endswith(f":function:{name}:live")
    assert "version 1" in first.stderr and "live leads to version 1" in first.stderr
    again = hearth(server, "deploy", folder, "--publish")
    assert again.stdout.strip().endswith(f":{name}:1") and "unchanged" in again.stderr
    (folder / "app.py").write_text(CONTEXT % 2)
    assert json.loads(hearth(server, "deploy", folder, "--publish", "--alias", "live", "--json").stdout)["Version"] == "2"
    for qualified, number in ((f"{name}:1", 1), (f"{name}:live", 2), (name, 2)):
        assert json.loads(hearth(server, "invoke", qualified, "-d", "{}").stdout)["number"] == number
    shown = hearth(server, "show", name).stdout
    assert "Aliases.live" in shown and "CodeSha256" in shown
    assert json.loads(hearth(server, "show", f"{name}:live", "--json").stdout)["Version"] == "2"
    names = [line.split()[0] for line in hearth(server, "ls", "--versions").stdout.splitlines()]
    assert [n for n in names if n.split(":")[0] == name] == [name, f"{name}:1", f"{name}:2"]
    assert f"{name}:1" not in hearth(server, "ls").stdout
    hearth(server, "rm", f"{name}:1")
    assert "not found" in hearth(server, "invoke", f"{name}:1", status=1).stderr
    assert "--publish" in hearth(server, "deploy", folder, "--alias", "live", status=64).stderr


PROGRAM = """
import {
  AddPermissionCommand, CreateAliasCommand, GetPolicyCommand, InvokeCommand, LambdaClient, ListTagsCommand,
  ListVersionsByFunctionCommand, PublishVersionCommand, TagResourceCommand, UpdateAliasCommand,
} from '@aws-sdk/client-lambda';
const client = new LambdaClient({});
const FunctionName = %r;
const published = await client.send(new PublishVersionCommand({ FunctionName }));
await client.send(new CreateAliasCommand({ FunctionName, Name: 'js', FunctionVersion: '1' }));
const weights = { AdditionalVersionWeights: { [published.Version]: 1 } };
const alias = await client.send(new UpdateAliasCommand({ FunctionName, Name: 'js', RoutingConfig: weights }));
const invoked = await client.send(new InvokeCommand({ FunctionName: `${FunctionName}:js` }));
const allowed = { StatementId: 's', Action: 'lambda:InvokeFunction', Principal: '111122223333' };
await client.send(new AddPermissionCommand({ FunctionName, Qualifier: 'js', ...allowed }));
const policy = await client.send(new GetPolicyCommand({ FunctionName, Qualifier: 'js' }));
const Resource = alias.AliasArn.replace(/:js$/, '');
await client.send(new TagResourceCommand({ Resource, Tags: { a: 'b' } }));
const refused = await client.send(new PublishVersionCommand({ FunctionName, RevisionId: 'x' })).catch((e) => e.name);
console.log(JSON.stringify({
  version: published.Version, executed: invoked.ExecutedVersion,
  number: JSON.parse(new TextDecoder().decode(invoked.Payload)).number,
  principal: JSON.parse(policy.Policy).Statement[0].Principal.AWS,
  tags: (await client.send(new ListTagsCommand({ Resource }))).Tags, refused,
  versions: (await client.send(new ListVersionsByFunctionCommand({ FunctionName }))).Versions.map((v) => v.Version),
}));
"""


def test_the_sdk_for_javascript(server, client, npm):
    name = create(client, code(1), Publish=True)
    update(client, name, 2)
    assert json.loads(npm.run(PROGRAM % name, server)) == {
        "version": "2", "executed": "2", "number": 2, "principal": "arn:aws:iam::111122223333:root", "tags": {"a": "b"},
        "refused": "PreconditionFailedException", "versions": ["$LATEST", "1", "2"],
    }


def test_curl(server, client):
    name = create(client, code(1), Publish=True)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    url = f"{server.endpoint}/2015-03-31/functions/{name}/invocations?Qualifier=live"
    done = subprocess.run(["curl", "-sS", "-i", "-d", "{}", url], capture_output=True, text=True, timeout=60, check=True)
    head, body = done.stdout.replace("\r", "").split("\n\n", 1)
    assert "x-amz-executed-version: 1" in head.lower() and json.loads(body)["number"] == 1
