"""Prometheus reads `/metrics`, if the setting lets it."""

import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError
from prometheus_client.parser import text_string_to_metric_families

from functions import create, invoke, python
from server import wait_until

pytestmark = pytest.mark.every_tier

TOKEN = "token:0123456789abcdef"


def read(server, **headers):
    request = urllib.request.Request(f"{server.endpoint}/metrics", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return answer.read().decode()


def status(server, **headers):
    try:
        read(server, **headers)
    except urllib.error.HTTPError as error:
        return error.code
    return 200


def samples(text):
    """Values by name and labels, of a text in which each family has its help and its type."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation and family.type != "unknown", family.name
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in found, f"twice: {key}"
            found[key] = sample.value
    return found


def of(found, name, function, **labels):
    labels |= {"account": "000000000000", "region": "us-east-1", "function_name": function}
    return found.get((name, *sorted(labels.items())))


def test_functions_have_counters_and_histograms(server, client):
    name = create(client, python("""
        def handler(event, context):
            return 1 / event["by"]
    """))
    invoke(client, name, {"by": 1})
    invoke(client, name, {"by": 1})
    assert invoke(client, name, {"by": 0}).error
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequests"):
        invoke(client, name)
    found = samples(read(server))
    assert of(found, "aws_lambda_invocations_total", name) == 3
    assert of(found, "aws_lambda_errors_total", name) == 1
    assert of(found, "aws_lambda_throttles_total", name) == 1
    assert of(found, "hearth_cold_starts_total", name) == 1
    assert of(found, "aws_lambda_duration_seconds_count", name) == 3
    assert of(found, "hearth_init_duration_seconds_count", name) == 1
    assert of(found, "aws_lambda_duration_seconds_bucket", name, le="+Inf") == 3
    limits = [of(found, "aws_lambda_duration_seconds_bucket", name, le=le) for le in ("0.001", "1", "900")]
    assert limits == sorted(limits) and limits[-1] == 3
    assert of(found, "hearth_memory_used_max_megabytes", name) > 0
    assert found[("aws_lambda_concurrent_executions",)] == 0
    assert found[("hearth_starts_total",)] >= 1 and found[("hearth_waiting_invocations",)] == 0


def test_events_are_counted_when_they_come_and_when_they_run(server, client):
    name = create(client, python("""
        def handler(event, context):
            return 1
    """))
    client.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    found = wait_until(
        lambda: (read_now := samples(read(server))) and of(read_now, "aws_lambda_invocations_total", name) == 1
        and read_now, "the event has run",
    )
    assert of(found, "aws_lambda_async_events_received_total", name) == 1
    assert of(found, "aws_lambda_async_events_dropped_total", name) == 0
    age = ("aws_lambda_async_event_age_seconds_count", name)
    assert wait_until(lambda: of(samples(read(server)), *age) == 1, "the attempt has been counted")


def test_functions_cannot_read_them(server, client):
    name = create(client, python("""
        import os, urllib.error, urllib.request

        def handler(event, context):
            try:
                urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/metrics", timeout=10)
            except urllib.error.HTTPError as error:
                return error.code
    """))
    assert invoke(client, name).payload == 404


def test_serve_shows_them_to_nobody_unless_it_is_told(make_server):
    assert status(make_server(mode="serve").start()) == 404
    assert status(make_server(mode="serve", args=["--metrics", "open"]).start()) == 200


def test_a_token_is_sent_as_prometheus_sends_it(make_server):
    server = make_server(mode="serve", args=["--metrics", TOKEN]).start()
    assert status(server) == 401
    assert status(server, Authorization="Bearer 0123456789abcdee") == 401
    assert status(server, Authorization="Bearer 0123456789abcdef") == 200
    basic = "cHJvbWV0aGV1czowMTIzNDU2Nzg5YWJjZGVm"
    assert status(server, Authorization=f"Basic {basic}") == 200


def test_dev_can_hide_them(make_server):
    assert status(make_server(args=["--metrics", "off"]).start()) == 404
