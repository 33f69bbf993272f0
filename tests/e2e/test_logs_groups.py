"""CloudWatch Logs beyond functions: groups, streams, events of clients, retention, tags, filter patterns."""

import time

import pytest
from botocore.exceptions import ClientError

from functions import create, invoke, python, unique
from server import wait_until
from test_aws_cli import aws

DAY = 24 * 60 * 60 * 1000


def now():
    return int(time.time() * 1000)


def put(logs, group, stream, *messages, at=None):
    events = [{"timestamp": at or now(), "message": message} for message in messages]
    return logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def messages(logs, group, **filters):
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, **filters)
    return [event["message"] for page in pages for event in page["events"]]


def refusal(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def group(logs):
    name = unique("/own/group")
    logs.create_log_group(logGroupName=name, tags={"team": "blue"})
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    return name


def test_the_life_of_a_group(logs):
    name = unique("/life")
    logs.create_log_group(logGroupName=name)
    assert refusal(logs.create_log_group, logGroupName=name) == (
        "ResourceAlreadyExistsException", "The specified log group already exists")
    logs.create_log_stream(logGroupName=name, logStreamName="web/1")
    assert refusal(logs.create_log_stream, logGroupName=name, logStreamName="web/1") == (
        "ResourceAlreadyExistsException", "The specified log stream already exists")
    stream = logs.describe_log_streams(logGroupName=name)["logStreams"][0]
    assert stream["logStreamName"] == "web/1" and "lastEventTimestamp" not in stream
    put(logs, name, "web/1", "one", "two")
    assert messages(logs, name) == ["one", "two"]
    events = logs.get_log_events(logGroupName=name, logStreamName="web/1", startFromHead=True)["events"]
    assert [event["message"] for event in events] == ["one", "two"]
    logs.delete_log_stream(logGroupName=name, logStreamName="web/1")
    assert messages(logs, name) == []
    assert logs.describe_log_streams(logGroupName=name)["logStreams"] == []
    logs.delete_log_group(logGroupName=name)
    assert logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"] == []
    for call, arguments in (
        (logs.delete_log_group, {}), (logs.create_log_stream, {"logStreamName": "s"}),
        (logs.put_retention_policy, {"retentionInDays": 1}), (logs.delete_retention_policy, {}),
        (logs.tag_log_group, {"tags": {"a": "b"}}), (logs.list_tags_log_group, {}),
    ):
        assert refusal(call, logGroupName=name, **arguments) == (
            "ResourceNotFoundException", "The specified log group does not exist.")


def test_batches_are_checked_as_on_aws(logs, group):
    def refused(events, **other):
        arguments = {"logGroupName": group, "logStreamName": "s", "logEvents": events} | other
        return refusal(logs.put_log_events, **arguments)

    event = {"timestamp": now(), "message": "m"}
    assert refused([event], logStreamName="nowhere") == (
        "ResourceNotFoundException", "The specified log stream does not exist.")
    assert refused([event], logGroupName="/nowhere") == (
        "ResourceNotFoundException", "The specified log group does not exist.")
    assert refused([event, event | {"timestamp": 1}]) == (
        "InvalidParameterException",
        "Log events in a single PutLogEvents request must be in chronological order.")
    assert refused([event | {"timestamp": now() - DAY - 1000}, event]) == (
        "InvalidParameterException",
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
    assert refused([event | {"message": "x" * 1048551}]) == (
        "InvalidParameterException", "Upload too large: 1048577 bytes exceeds limit of 1048576")
    for events in ([], [event] * 10001, [event | {"message": ""}], [event | {"timestamp": -1}]):
        code, message = refused(events)
        assert code == "InvalidParameterException" and "validation error" in message
    assert messages(logs, group) == []
    answer = logs.put_log_events(
        logGroupName=group, logStreamName="s", logEvents=[event], sequenceToken="any")
    assert answer["nextSequenceToken"].isdigit() and "rejectedLogEventsInfo" not in answer
    assert put(logs, group, "s", "old", at=now() - 15 * DAY)["rejectedLogEventsInfo"] == {
        "tooOldLogEventEndIndex": 1}
    assert put(logs, group, "s", "new", at=now() + 3 * 60 * 60 * 1000)["rejectedLogEventsInfo"] == {
        "tooNewLogEventStartIndex": 0}
    assert messages(logs, group) == ["m"]


def test_retention_is_kept(logs, group):
    put(logs, group, "s", "of the day before yesterday", at=now() - 2 * DAY)
    put(logs, group, "s", "of today")
    code, message = refusal(logs.put_retention_policy, logGroupName=group, retentionInDays=2)
    assert code == "InvalidParameterException" and "Value '2' at 'retentionInDays'" in message
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["retentionInDays"] == 1
    assert messages(logs, group) == ["of today"]
    assert put(logs, group, "s", "again", at=now() - 2 * DAY)["rejectedLogEventsInfo"] == {
        "expiredLogEventEndIndex": 1}
    logs.delete_retention_policy(logGroupName=group)
    assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]


def test_tags(logs, group):
    arn = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["logGroupArn"]
    logs.tag_resource(resourceArn=arn, tags={"cost": "7"})
    logs.tag_log_group(logGroupName=group, tags={"old": "way"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "blue", "cost": "7", "old": "way"}
    logs.untag_resource(resourceArn=arn, tagKeys=["team"])
    logs.untag_log_group(logGroupName=group, tags=["old"])
    assert logs.list_tags_log_group(logGroupName=group)["tags"] == {"cost": "7"}
    too_many = {str(n): "" for n in range(50)}
    assert refusal(logs.tag_resource, resourceArn=arn, tags=too_many)[0] == "TooManyTagsException"
    assert refusal(logs.list_tags_for_resource, resourceArn=arn.replace("us-east-1", "eu-west-1"))[0] == (
        "ResourceNotFoundException")
    assert refusal(logs.list_tags_for_resource, resourceArn="group")[0] == "InvalidParameterException"


def test_filter_patterns(logs, group):
    put(
        logs, group, "s", "ERROR disk full", "INFO all is well",
        '{"level":"ERROR","took":120.5,"user":{"name":"ada"}}', '{"level":"INFO","took":3}',
        '127.0.0.1 ada "GET /x HTTP/1.1" 404 12',
    )
    for pattern, found in (
        ("ERROR", 2), ("ERROR -disk", 1), ("?well ?full", 2), ('"all is"', 1), ("%40[0-9]%", 1),
        ('{ $.level = "ERROR" && $.took > 1e2 }', 1), ("{ $.user.name = a* }", 1), ("{ $.user NOT EXISTS }", 1),
        ("[ip, user, request, status = 4*, size]", 1),
    ):
        assert len(messages(logs, group, filterPattern=pattern)) == found, pattern
    for pattern in ("{ $.level = }", "[a, ", '"open', "a@b"):
        code, message = refusal(logs.filter_log_events, logGroupName=group, filterPattern=pattern)
        assert code == "InvalidParameterException" and message.startswith("Invalid filter pattern"), pattern


def test_a_live_tail_shows_what_comes(server, logs, group):
    arn = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["logGroupArn"]
    tails = server.client("logs", inject_host_prefix=False)
    put(logs, group, "s", "before")
    stream = tails.start_live_tail(logGroupIdentifiers=[arn], logEventFilterPattern="-hidden")["responseStream"]
    events = iter(stream)
    start = next(events)["sessionStart"]
    assert start["logGroupIdentifiers"] == [arn] and start["logEventFilterPattern"] == "-hidden"
    put(logs, group, "s", "one", "hidden", "two")
    seen = []
    while len(seen) < 2:
        update = next(events)["sessionUpdate"]
        assert update["sessionMetadata"] == {"sampled": False}
        seen += update["sessionResults"]
    assert [event["message"] for event in seen] == ["one", "two"]
    assert {(event["logStreamName"], event["logGroupIdentifier"]) for event in seen} == {("s", arn)}
    stream.close()
    for arguments in (
        {"logGroupIdentifiers": [arn + "-not"]}, {"logGroupIdentifiers": [arn], "logEventFilterPattern": "{"},
        {"logGroupIdentifiers": [arn], "logStreamNames": ["a"], "logStreamNamePrefixes": ["b"]},
        {"logGroupIdentifiers": []},
    ):
        assert refusal(tails.start_live_tail, **arguments)[0] in (
            "ResourceNotFoundException", "InvalidParameterException")


def test_live_tails_are_bounded_and_end_with_the_server(make_server):
    # Waiting for a tail would take longer than a test waits for a server.
    server = make_server(args=["--grace-period", "10m"]).start()
    logs, tails = server.client("logs"), server.client("logs", inject_host_prefix=False)
    logs.create_log_group(logGroupName="/g")
    streams = [tails.start_live_tail(logGroupIdentifiers=["/g"])["responseStream"] for _ in range(15)]
    assert refusal(tails.start_live_tail, logGroupIdentifiers=["/g"])[0] == "LimitExceededException"
    streams.pop().close()

    def begun():
        try:
            return tails.start_live_tail(logGroupIdentifiers=["/g"])["responseStream"]
        except ClientError:
            return None

    streams.append(wait_until(begun, "the place of one that hung up is free"))
    assert server.stop() == 0
    for stream in streams:
        stream.close()


def test_a_deleted_group_is_made_anew_by_its_function(client, logs):
    name = create(client, python("def handler(event, context):\n    print(event['text'])\n"))
    group = f"/aws/lambda/{name}"
    invoke(client, name, {"text": "first"})
    logs.delete_log_group(logGroupName=group)
    assert refusal(logs.filter_log_events, logGroupName=group)[0] == "ResourceNotFoundException"
    invoke(client, name, {"text": "second"})
    found = [message.strip() for message in messages(logs, group)]
    assert "second" in found and "first" not in found


def test_members_that_cannot_be_honoured_are_refused(logs):
    for extra, named in (
        ({"kmsKeyId": "arn:aws:kms:us-east-1:000000000000:key/k"}, "kmsKeyId"),
        ({"logGroupClass": "INFREQUENT_ACCESS"}, "logGroupClass INFREQUENT_ACCESS"),
        ({"deletionProtectionEnabled": True}, "deletionProtectionEnabled"),
    ):
        code, message = refusal(logs.create_log_group, logGroupName=unique(), **extra)
        assert code == "InvalidParameterException" and named in message
    assert refusal(logs.create_log_group, logGroupName="aws/mine")[0] == "InvalidParameterException"
    assert refusal(logs.create_log_group, logGroupName="with blanks")[0] == "InvalidParameterException"


@pytest.mark.aws_cli
def test_the_aws_cli(server, logs):
    name = unique("/cli")
    aws(server, "logs", "create-log-group", "--log-group-name", name, "--tags", "a=b")
    aws(server, "logs", "create-log-stream", "--log-group-name", name, "--log-stream-name", "s")
    aws(server, "logs", "put-log-events", "--log-group-name", name, "--log-stream-name", "s", "--log-events",
        f"timestamp={now()},message=first", f"timestamp={now() + 1},message=second")
    aws(server, "logs", "put-retention-policy", "--log-group-name", name, "--retention-in-days", "7")
    found = aws(server, "logs", "filter-log-events", "--log-group-name", name, "--filter-pattern", "first")
    assert "first" in found and "second" not in found
    if not aws(server, "--version").startswith("aws-cli/1."):  # version 1 has no tail
        tailed = aws(server, "logs", "tail", name, "--since", "1h", "--format", "short", "--filter-pattern", "first")
        assert "first" in tailed and "second" not in tailed
    aws(server, "logs", "delete-log-group", "--log-group-name", name)


def test_what_was_acknowledged_survives_kill_9(make_server):
    server = make_server().start()
    logs = server.client("logs")
    logs.create_log_group(logGroupName="/kept", tags={"a": "b"})
    logs.create_log_group(logGroupName="/deleted")
    logs.create_log_stream(logGroupName="/kept", logStreamName="s")
    logs.create_log_stream(logGroupName="/deleted", logStreamName="s")
    put(logs, "/deleted", "s", "gone")
    logs.put_retention_policy(logGroupName="/kept", retentionInDays=30)
    for number in range(20):
        put(logs, "/kept", "s", str(number))
    logs.delete_log_group(logGroupName="/deleted")
    server.kill()
    logs = server.start().client("logs")
    assert messages(logs, "/kept") == [str(number) for number in range(20)]
    group, = logs.describe_log_groups()["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == ("/kept", 30)
    assert logs.list_tags_log_group(logGroupName="/kept")["tags"] == {"a": "b"}
    put(logs, "/kept", "s", "on it goes")
    assert messages(logs, "/kept")[-1] == "on it goes"


def test_acknowledged_events_survive_kill_9_at_any_moment(make_server):
    import threading

    server = make_server().start()
    logs = server.client("logs")
    logs.create_log_group(logGroupName="/busy")
    acknowledged = [[] for _ in range(4)]

    def write(writer):
        client = server.client("logs")
        client.create_log_stream(logGroupName="/busy", logStreamName=str(writer))
        for number in range(100_000):
            try:
                put(client, "/busy", str(writer), f"{writer} {number}")
            except Exception:  # the server is gone
                return
            acknowledged[writer].append(f"{writer} {number}")

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for writer in writers:
        writer.start()
    wait_until(lambda: all(len(done) > 30 for done in acknowledged), "events flow", 60)
    server.kill()
    for writer in writers:
        writer.join(30)
    found = messages(server.start().client("logs"), "/busy")
    for writer, done in enumerate(acknowledged):
        own = [message for message in found if message.startswith(f"{writer} ")]
        assert own[: len(done)] == done
        assert len(own) <= len(done) + 1
