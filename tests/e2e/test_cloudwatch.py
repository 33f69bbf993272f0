"""CloudWatch: what functions did, read as metrics, in each protocol and with each client."""

import json
from datetime import datetime, timedelta, timezone

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from functions import create, invoke, python, unique
from languages import WISH
from server import wait_until
from test_aws_cli import aws

pytestmark = pytest.mark.every_tier

PROTOCOLS = ["smithy-rpc-v2-cbor", "json", "query"]


def speaking(protocol, server, **settings):
    """A client of CloudWatch that speaks one protocol: botocore takes the first of its model's that it knows."""
    session = botocore.session.Session()
    loader = session.get_component("data_loader")
    load = loader.load_service_model

    def with_one_protocol(service, kind, api_version=None):
        model = load(service, kind, api_version)
        if (service, kind) != ("cloudwatch", "service-2"):
            return model
        return {**model, "metadata": {**model["metadata"], "protocol": protocol, "protocols": [protocol]}}

    loader.load_service_model = with_one_protocol
    settings = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1", **settings}
    # What is wrong with a request is the server's to say.
    config = Config(retries={"max_attempts": 0}, parameter_validation=False)
    made = session.create_client("cloudwatch", endpoint_url=server.endpoint, config=config, **settings)
    assert made.meta.service_model.resolved_protocol == protocol
    return made


@pytest.fixture(params=PROTOCOLS)
def cloudwatch(server, request):
    return speaking(request.param, server)


def around_now():
    """A range of two hours, which each period of two hours begins with."""
    now = datetime.now(timezone.utc)
    return {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(hours=1), "Period": 7200}


def of(name, *further):
    return [{"Name": "FunctionName", "Value": name}, *({"Name": n, "Value": v} for n, v in further)]


def one(cloudwatch, metric, dimensions, statistics, **members):
    """The only datapoint of a metric."""
    got = cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda", MetricName=metric, Dimensions=dimensions, Statistics=statistics, **around_now(), **members
    )
    assert got["Label"] == metric
    assert len(got["Datapoints"]) == 1, got
    return got["Datapoints"][0]


def throttle(client, name):
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as refused:
        invoke(client, name)
    assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"
    client.delete_function_concurrency(FunctionName=name)


@pytest.fixture(scope="module")
def used(server, client):
    """A function after three invocations, of which one failed, and a refused one."""
    name = create(client, python(WISH["python"]))
    assert invoke(client, name).error is None
    assert invoke(client, name, {"do": "sleep", "seconds": 0.2}).error is None
    assert invoke(client, name, {"do": "raise"}).error == "Unhandled"
    throttle(client, name)
    counted = speaking(PROTOCOLS[0], server)
    wait_until(lambda: one(counted, "Invocations", of(name), ["Sum"])["Sum"] == 3, "all invocations are counted")
    return name


def test_each_invocation_is_counted_once(cloudwatch, used):
    for metric, expected in [("Invocations", 3), ("Errors", 1), ("Throttles", 1)]:
        point = one(cloudwatch, metric, of(used), ["Sum"])
        assert (point["Sum"], point["Unit"]) == (expected, "Count")
        assert point.keys() == {"Timestamp", "Sum", "Unit"}
    assert one(cloudwatch, "Errors", of(used), ["SampleCount", "Average"])["Average"] == pytest.approx(1 / 3)
    assert one(cloudwatch, "ConcurrentExecutions", of(used), ["Maximum"])["Maximum"] == 1


def test_durations_are_those_of_the_reports(cloudwatch, used):
    point = one(cloudwatch, "Duration", of(used), ["SampleCount", "Minimum", "Maximum", "Average", "Sum"])
    assert point["Unit"] == "Milliseconds" and point["SampleCount"] == 3
    assert 0 < point["Minimum"] < point["Average"] < point["Maximum"]
    assert point["Maximum"] >= 200
    assert point["Average"] == pytest.approx(point["Sum"] / 3)
    got = cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda", MetricName="Duration", Dimensions=of(used), ExtendedStatistics=["p0", "p99.9"],
        **around_now(),
    )
    extended = got["Datapoints"][0]["ExtendedStatistics"]
    assert extended.keys() == {"p0", "p99.9"}
    assert extended["p0"] >= point["Minimum"] and extended["p99.9"] == pytest.approx(point["Maximum"], rel=0.03)


def test_the_datapoint_is_in_the_minute_of_the_invocation(cloudwatch, client):
    name = create(client, python(WISH["python"]))
    before = datetime.now(timezone.utc).replace(second=0, microsecond=0)
    invoke(client, name)
    after = datetime.now(timezone.utc)
    got = wait_until(lambda: cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda", MetricName="Invocations", Dimensions=of(name), Statistics=["Sum"],
        **{**around_now(), "Period": 60},
    )["Datapoints"], "the invocation is counted")
    assert [point["Sum"] for point in got] == [1]
    assert before <= got[0]["Timestamp"] <= after and got[0]["Timestamp"].second == 0


def test_metric_data_are_several_metrics_and_what_follows_from_them(cloudwatch, used):
    def query(id, metric, stat, **members):
        stat = {"Metric": {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": of(used)},
                "Period": around_now()["Period"], "Stat": stat}
        return {"Id": id, "MetricStat": stat, **members}

    queries = [
        query("invocations", "Invocations", "Sum", ReturnData=False),
        query("errors", "Errors", "Sum", Label="failed: ${LAST}"),
        query("slowest", "Duration", "Maximum"),
        {"Id": "share", "Expression": "100 * errors / invocations", "Label": "% of ${LABEL}"},
    ]
    times = {name: time for name, time in around_now().items() if name != "Period"}
    got = cloudwatch.get_metric_data(MetricDataQueries=queries, **times)
    results = {result["Id"]: result for result in got["MetricDataResults"]}
    assert list(results) == ["errors", "slowest", "share"] and "NextToken" not in got
    assert {result["StatusCode"] for result in results.values()} == {"Complete"}
    assert [results["errors"]["Values"], results["errors"]["Label"]] == [[1], "failed: 1"]
    assert results["slowest"]["Label"] == "Duration"
    assert results["share"]["Values"] == [pytest.approx(100 / 3)]
    assert results["share"]["Label"] == "% of share"
    assert results["share"]["Timestamps"] == results["errors"]["Timestamps"]

    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, MaxDatapoints=1, **times
    )
    assert [[result["Id"] for result in page["MetricDataResults"]] for page in pages] == [
        ["errors"], ["slowest"], ["share"],
    ]


def test_metrics_are_listed_by_their_dimensions(cloudwatch, client, used):
    name = create(client, python(WISH["python"]), Publish=True)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    invoke(client, name, Qualifier="live")
    resource = ("Resource", f"{name}:live")

    def listed(**members):
        return [
            (metric["MetricName"], {d["Name"]: d["Value"] for d in metric["Dimensions"]})
            for metric in cloudwatch.list_metrics(Namespace="AWS/Lambda", **members)["Metrics"]
        ]

    wait_until(lambda: listed(Dimensions=of(name)), "the invocation is counted")
    invocations = listed(MetricName="Invocations", Dimensions=[{"Name": "FunctionName", "Value": name}])
    assert [sorted(dimensions) for _, dimensions in invocations] == [
        ["FunctionName"], ["FunctionName", "Resource"], ["ExecutedVersion", "FunctionName", "Resource"],
    ]
    assert invocations[2][1] == {"FunctionName": name, "Resource": f"{name}:live", "ExecutedVersion": "1"}
    assert ("Throttles", {"FunctionName": used}) in listed(Dimensions=of(used), RecentlyActive="PT3H")
    assert ("UnreservedConcurrentExecutions", {}) in listed()
    assert cloudwatch.list_metrics(Namespace="AWS/SQS")["Metrics"] == []
    for dimensions in [of(name, resource), of(name, resource, ("ExecutedVersion", "1"))]:
        assert one(cloudwatch, "Invocations", dimensions, ["Sum"])["Sum"] == 1


def test_what_is_wrong_is_answered_in_awss_codes(cloudwatch):
    now = datetime.now(timezone.utc).replace(microsecond=0)
    valid = {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Statistics": ["Sum"], **around_now()}
    for members, code, message in [
        ({"StartTime": now, "EndTime": now}, "InvalidParameterValue",
         "The parameter StartTime must not equal parameter EndTime."),
        ({"StartTime": now, "EndTime": now - timedelta(1)}, "InvalidParameterValue",
         "The parameter StartTime must be less than the parameter EndTime."),
        ({"Period": 30}, "InvalidParameterValue", "The parameter Period must be a multiple of 60."),
        ({"StartTime": now, "EndTime": now + timedelta(minutes=1441), "Period": 60}, "InvalidParameterCombination",
         "You have requested up to 1441 datapoints, which exceeds the limit of 1440. You may reduce the datapoints "
         "requested by increasing Period, or decreasing the time range."),
        ({"Period": 0}, "ValidationError", "1 validation error detected: Value '0' at 'period' failed to satisfy "
         "constraint: Member must have value greater than or equal to 1"),
    ]:
        with pytest.raises(ClientError) as refused:
            cloudwatch.get_metric_statistics(**{**valid, **members})
        response = refused.value.response
        assert response["Error"]["Code"] == code
        assert response["Error"]["Message"] == message
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    times = {name: time for name, time in around_now().items() if name != "Period"}
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Errors"}
    for query, message in [
        ({"MetricStat": {"Metric": metric, "Period": 60, "Stat": "tm90"}},
         "The value for parameter MetricDataQueries.member.1.MetricStat.Stat is a statistic that Hearth does not support"
         " yet."),
        ({"Expression": "ANOMALY_DETECTION_BAND(m1)"},
         "Error in expression 'q': Hearth does not support the function ANOMALY_DETECTION_BAND yet"),
    ]:
        with pytest.raises(ClientError) as refused:
            cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "q", **query}], **times)
        assert refused.value.response["Error"]["Code"] == "ValidationError"
        assert refused.value.response["Error"]["Message"].strip() == message
    query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    with pytest.raises(cloudwatch.exceptions.InvalidNextToken):
        cloudwatch.get_metric_data(MetricDataQueries=[query], NextToken="nope", **times)


def test_an_operation_that_is_not_there_says_so(cloudwatch):
    with pytest.raises(ClientError) as refused:
        cloudwatch.put_metric_data(Namespace="mine", MetricData=[])
    response = refused.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert response["Error"]["Code"] == "NotImplemented"
    assert response["Error"]["Message"] == "Hearth does not implement cloudwatch.PutMetricData yet"


@pytest.mark.aws_cli
def test_the_aws_command_line(server, used):
    times = around_now()
    dimension = f"Name=FunctionName,Value={used}"
    got = json.loads(aws(
        server, "cloudwatch", "get-metric-statistics", "--namespace", "AWS/Lambda", "--metric-name", "Invocations",
        "--dimensions", dimension, "--start-time", times["StartTime"].isoformat(), "--end-time",
        times["EndTime"].isoformat(), "--period", str(times["Period"]), "--statistics", "Sum",
    ))
    assert [point["Sum"] for point in got["Datapoints"]] == [3]
    listed = aws(server, "cloudwatch", "list-metrics", "--dimensions", dimension, "--query", "Metrics[].MetricName")
    assert "Duration" in json.loads(listed)
    refused = aws(
        server, "cloudwatch", "get-metric-statistics", "--namespace", "AWS/Lambda", "--metric-name", "Invocations",
        "--start-time", times["StartTime"].isoformat(), "--end-time", times["StartTime"].isoformat(), "--period", "60",
        "--statistics", "Sum", fails=True,
    )
    assert "(InvalidParameterValue)" in refused


def test_the_sdk_for_javascript(server, used, npm):
    program = """
        import {
          CloudWatchClient, GetMetricDataCommand, GetMetricStatisticsCommand, InvalidParameterValueException,
          ListMetricsCommand,
        } from "@aws-sdk/client-cloudwatch";

        const client = new CloudWatchClient({});
        const dimensions = [{ Name: "FunctionName", Value: "%s" }];
        const StartTime = new Date(Date.now() - 3600e3), EndTime = new Date(Date.now() + 3600e3);
        const metric = { Namespace: "AWS/Lambda", MetricName: "Invocations", Dimensions: dimensions };
        const statistics = await client.send(new GetMetricStatisticsCommand({
          ...metric, StartTime, EndTime, Period: 7200, Statistics: ["Sum"],
        }));
        const data = await client.send(new GetMetricDataCommand({
          MetricDataQueries: [{ Id: "m", MetricStat: { Metric: metric, Period: 7200, Stat: "Sum" } }],
          StartTime, EndTime,
        }));
        const listed = await client.send(new ListMetricsCommand({ Dimensions: dimensions }));
        let refused;
        try {
          await client.send(new GetMetricStatisticsCommand({
            ...metric, StartTime, EndTime: StartTime, Period: 60, Statistics: ["Sum"],
          }));
        } catch (error) {
          refused = [error instanceof InvalidParameterValueException, error.message, error.$metadata.httpStatusCode];
        }
        console.log(JSON.stringify({
          sum: statistics.Datapoints[0].Sum,
          isDate: statistics.Datapoints[0].Timestamp instanceof Date,
          values: data.MetricDataResults[0].Values,
          names: listed.Metrics.map((metric) => metric.MetricName),
          refused,
        }));
    """
    seen = json.loads(npm.run(program % used, server))
    assert (seen["sum"], seen["isDate"], seen["values"]) == (3, True, [3])
    assert {"Duration", "Errors", "Invocations", "Throttles"} <= set(seen["names"])
    assert seen["refused"] == [True, "The parameter StartTime must not equal parameter EndTime.", 400]


def test_metrics_are_signed_for_and_not_a_functions_to_read(make_server):
    server = make_server(mode="serve").start()
    key, secret = server.root_key()
    client = server.client(key=key, secret=secret)
    name = create(client, python("""
        import os

        def handler(event, context):
            names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
            return [os.environ[name] for name in names]
    """), name=unique())
    session = dict(zip(["aws_access_key_id", "aws_secret_access_key", "aws_session_token"],
                       invoke(client, name).payload))
    for protocol in PROTOCOLS:
        root = {"aws_access_key_id": key, "aws_secret_access_key": secret}
        reader = speaking(protocol, server, **root)
        wait_until(lambda: reader.list_metrics(Dimensions=of(name))["Metrics"], "the invocation is counted")
        with pytest.raises(ClientError) as forged:
            speaking(protocol, server, **{**root, "aws_secret_access_key": "x" * 40}).list_metrics()
        assert forged.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
        with pytest.raises(ClientError) as denied:
            speaking(protocol, server, **session).list_metrics()
        assert denied.value.response["Error"]["Code"] == "AccessDenied"
        assert denied.value.response["Error"]["Message"].endswith("allows the cloudwatch:ListMetrics action")


def test_metrics_outlive_the_server(make_server):
    server = make_server().start()
    name = create(server.client(), python(WISH["python"]))
    for _ in range(3):
        invoke(server.client(), name)
    before = one(speaking("json", server), "Duration", of(name), ["SampleCount", "Sum", "Maximum"])
    assert before["SampleCount"] == 3
    assert server.stop() == 0
    server.start()
    after = one(speaking("json", server), "Duration", of(name), ["SampleCount", "Sum", "Maximum"])
    assert {**after, "Timestamp": None} == {**before, "Timestamp": None}
