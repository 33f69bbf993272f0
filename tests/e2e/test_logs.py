"""CloudWatch Logs: what functions print, found again."""

import pytest
from botocore.exceptions import ClientError

from functions import create, invoke, log_lines, python
from languages import deploy

pytestmark = pytest.mark.every_tier


PRINT = {
    "python": """
        import logging, sys

        logging.getLogger().setLevel("INFO")

        def handler(event, context):
            print("plain")
            logging.info("one\\ntwo")
            print("to stderr", file=sys.stderr)
            sys.stdout.write("no line feed")
    """,
    "node": """
        exports.handler = async () => {
          console.log("plain");
          console.info("one\\ntwo");
          console.error("to stderr");
          process.stdout.write("no line feed");
        };
    """,
}


def test_output_is_in_order_and_multi_line_messages_are_one_event(client, logs, language):
    name = deploy(client, language, PRINT)
    answer = invoke(client, name)
    lines = log_lines(logs, name)
    own = lines[2:-2]
    assert len(own) == 4, own
    assert own[0].endswith("plain") and own[1].endswith("one\ntwo")
    assert own[2].endswith("to stderr") and own[3] == "no line feed"
    assert answer.request_id in own[1]
    if language == "python":
        assert own[0] == "plain" and own[1].startswith("[INFO]\t")
    else:
        assert own[0].split("\t")[1:3] == [answer.request_id, "INFO"]
        assert own[2].split("\t")[1:3] == [answer.request_id, "ERROR"]


def test_groups_and_streams_are_described(client, logs):
    name = create(client, python("def handler(event, context):\n    print('x')\n"))
    invoke(client, name)
    group = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"][0]
    assert group["logGroupName"] == f"/aws/lambda/{name}"
    assert group["arn"] == f"arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/{name}:*"
    streams = logs.describe_log_streams(logGroupName=group["logGroupName"], orderBy="LastEventTime", descending=True)
    stream = streams["logStreams"][0]
    assert "/[$LATEST]" in stream["logStreamName"]
    assert stream["firstEventTimestamp"] <= stream["lastEventTimestamp"]
    events = logs.get_log_events(
        logGroupName=group["logGroupName"], logStreamName=stream["logStreamName"], startFromHead=True
    )
    assert all(e["message"].endswith("\n") for e in events["events"])
    assert [e["message"].split()[0] for e in events["events"]] == ["INIT_START", "START", "x", "END", "REPORT"]
    again = logs.get_log_events(
        logGroupName=group["logGroupName"], logStreamName=stream["logStreamName"],
        nextToken=events["nextForwardToken"],
    )
    assert again["events"] == [] and again["nextForwardToken"] == events["nextForwardToken"]


def test_filters_by_time_stream_and_page(client, logs):
    name = create(client, python("def handler(event, context):\n    [print(n) for n in range(50)]\n"))
    invoke(client, name)
    group = f"/aws/lambda/{name}"
    found = [
        event["message"].strip()
        for page in logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, PaginationConfig={"PageSize": 7}
        )
        for event in page["events"]
    ]
    assert [m for m in found if m.isdigit()] == [str(n) for n in range(50)]
    stream = logs.describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"]
    assert logs.filter_log_events(logGroupName=group, logStreamNames=[stream])["events"]
    assert logs.filter_log_events(logGroupName=group, startTime=4102444800000)["events"] == []


def test_unknown_groups_and_streams(client, logs):
    with pytest.raises(ClientError) as missing:
        logs.filter_log_events(logGroupName="/aws/lambda/nowhere")
    assert missing.value.response["Error"] == {
        "Code": "ResourceNotFoundException", "Message": "The specified log group does not exist.",
    }
    name = create(client, python("def handler(event, context):\n    pass\n"))
    invoke(client, name)
    with pytest.raises(ClientError) as missing:
        logs.get_log_events(logGroupName=f"/aws/lambda/{name}", logStreamName="nowhere")
    assert missing.value.response["Error"]["Message"] == "The specified log stream does not exist."


def test_logs_survive_a_restart(make_server):
    server = make_server().start()
    name = create(server.client(), python("def handler(event, context):\n    print('kept')\n"))
    invoke(server.client(), name)
    server.stop()
    server.start()
    assert "kept" in log_lines(server.client("logs"), name)
