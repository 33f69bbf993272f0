"""Function URLs: what functions get, and what visitors get."""

import base64
import json
import threading
import time

import pytest

from functions import create, python
from test_aws_cli import aws
from test_errors import refused
from web import ECHO, Visitor, curl, public_url, url_id, wish


@pytest.fixture(scope="module")
def echo(client):
    return create(client, ECHO)


@pytest.fixture(scope="module")
def url(client, echo):
    return public_url(client, echo)


@pytest.fixture(params=["host", "path"])
def visitor(server, url, request):
    with Visitor(server, url, by=request.param) as visitor:
        yield visitor


def test_the_url_says_where_it_is(server, client, echo, url):
    port = server.endpoint.rsplit(":", 1)[1]
    assert url == f"http://{url_id(url)}.lambda-url.us-east-1.localhost:{port}/"
    assert len(url_id(url)) == 32
    config = client.get_function_url_config(FunctionName=echo)
    assert (config["FunctionUrl"], config["AuthType"], config["InvokeMode"]) == (url, "NONE", "BUFFERED")
    assert client.list_function_url_configs(FunctionName=echo)["FunctionUrlConfigs"][0]["FunctionUrl"] == url


def test_a_function_gets_the_request(visitor):
    reply = visitor.fetch(
        "POST", "/a%2Fb/c?x=1&x=2&y=%20",
        [("User-Agent", "test"), ("X-Many", "1"), ("X-Many", "2"), ("Cookie", "a=1; b=2"),
         ("Content-Type", "application/json")],
        b'{"k": 1}',
    )
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    event = reply.json["event"]
    assert event["version"] == "2.0" and event["rawPath"] == "/a%2Fb/c"
    assert event["rawQueryString"] == "x=1&x=2&y=%20"
    assert event["queryStringParameters"] == {"x": "1,2", "y": " "}
    assert event["cookies"] == ["a=1", "b=2"] and "cookie" not in event["headers"]
    assert event["headers"]["x-many"] == "1,2" and event["headers"]["host"] == visitor.host
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1" and "x-amzn-trace-id" in event["headers"]
    assert event["body"] == '{"k": 1}' and event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert context["accountId"] == "anonymous" and context["stage"] == context["routeKey"] == "$default"
    assert context["http"] == {
        "method": "POST", "path": "/a%2Fb/c", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"
    }
    assert context["requestId"] == reply.json["id"] == reply.headers["x-amzn-requestid"]
    assert abs(context["timeEpoch"] / 1000 - time.time()) < 60


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_any_method_reaches_the_function(visitor, method):
    assert visitor.fetch(method, "/").json["event"]["requestContext"]["http"]["method"] == method


def test_head_has_the_length_and_no_body(visitor):
    reply = visitor.fetch("HEAD", "/")
    assert reply.status == 200 and int(reply.headers["content-length"]) > 100 and reply.body == b""
    assert visitor.fetch("GET", "/").status == 200, "the connection is still good"


@pytest.mark.parametrize("value, text", [
    ("hello", b"hello"), (3, b"3"), (True, b"true"), ([1, {"a": 2}], b'[1,{"a":2}]'), (None, b"null"),
    ({"no": "status"}, b'{"no":"status"}'),
])
def test_what_is_no_response_becomes_one(visitor, value, text):
    reply = wish(visitor, **{"return": value})
    assert (reply.status, reply.body, reply.headers["content-type"]) == (200, text, "application/json")


def test_a_whole_response(visitor):
    reply = wish(visitor, **{"return": {
        "statusCode": 418, "headers": {"Content-Type": "image/png", "X-Own": "1", "Connection": "close"},
        "cookies": ["a=1; HttpOnly", "b=2"], "body": base64.b64encode(b"\x89PNG\0").decode(), "isBase64Encoded": True,
    }})
    assert (reply.status, reply.body) == (418, b"\x89PNG\0")
    assert reply.headers["content-type"] == "image/png" and reply.headers["x-own"] == "1"
    assert reply.headers.get_all("set-cookie") == ["a=1; HttpOnly", "b=2"]
    assert reply.headers["connection"] is None


@pytest.mark.parametrize("value", [{"statusCode": "fine"}, {"statusCode": 200, "headers": [1]},
                                   {"statusCode": 200, "body": "*", "isBase64Encoded": True}])
def test_a_malformed_response_is_a_bad_gateway(visitor, value):
    reply = wish(visitor, **{"return": value})
    assert (reply.status, reply.body) == (502, b"Internal Server Error")


def test_a_failure_says_nothing_of_itself(visitor):
    reply = wish(visitor, **{"raise": True})
    assert (reply.status, reply.body) == (502, b"Internal Server Error")
    assert reply.headers["x-amzn-requestid"]
    assert wish(visitor, **{"return": 1}).body == b"1", "the next request works"


def test_a_timeout_is_a_bad_gateway(server, client):
    name = create(client, ECHO, Timeout=1)
    with Visitor(server, public_url(client, name)) as visitor:
        reply = wish(visitor, sleep=30)
        assert (reply.status, reply.body) == (502, b"Internal Server Error")


def test_a_throttled_function_says_so(server, client):
    name = create(client, ECHO)
    url = public_url(client, name)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with Visitor(server, url) as visitor:
        reply = visitor.fetch()
        assert (reply.status, reply.headers["x-amzn-errortype"]) == (429, "TooManyRequestsException")
        assert reply.json["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_large_bodies_pass_both_ways_and_larger_ones_do_not(server, client):
    name = create(client, python("""
        import base64
        def handler(event, context):
            body = event["body"]
            raw = base64.b64decode(body) if event["isBase64Encoded"] else body.encode()
            return {"statusCode": 200, "headers": {"x-length": str(len(raw))}, "body": body[:5_000_000]}
    """))
    limit = 6 * 1024 * 1024
    with Visitor(server, public_url(client, name)) as visitor:
        for kind in ("text/plain", "application/octet-stream"):
            reply = visitor.fetch("POST", "/", {"content-type": kind}, b"x" * limit)
            assert (reply.status, reply.headers["x-length"], len(reply.body)) == (200, str(limit), 5_000_000)
        reply = visitor.fetch("POST", "/", {"content-type": "text/plain"}, b"x" * (limit + 1))
        assert (reply.status, reply.headers["x-amzn-errortype"]) == (413, "RequestEntityTooLargeException")


def test_unknown_urls_are_forbidden(server, url):
    for by in ("host", "path"):
        with Visitor(server, url.replace(url_id(url), "a" * 32), by=by) as visitor:
            reply = visitor.fetch()
            assert (reply.status, reply.json) == (403, {"Message": "Forbidden"})
            assert reply.headers["x-amzn-errortype"] == "AccessDeniedException"
    with Visitor(server, url.replace("us-east-1", "eu-west-1")) as visitor:
        assert visitor.fetch().status == 403


def test_cors(server, client, echo):
    name = create(client, ECHO)
    url = public_url(client, name, Cors={
        "AllowOrigins": ["https://example.com"], "AllowMethods": ["GET"], "AllowHeaders": ["x-a"], "MaxAge": 60,
    })
    preflight = {"origin": "https://example.com", "access-control-request-method": "GET"}
    with Visitor(server, url) as visitor:
        reply = visitor.fetch("OPTIONS", "/", preflight)
        assert (reply.status, reply.body) == (200, b"")
        assert reply.headers["access-control-allow-origin"] == "https://example.com"
        assert reply.headers["access-control-allow-methods"] == "GET"
        assert reply.headers["access-control-max-age"] == "60"
        assert visitor.fetch("OPTIONS", "/", preflight | {"origin": "https://evil.example"}).headers[
            "access-control-allow-origin"] is None
        reply = visitor.fetch("GET", "/", {"origin": "https://example.com"})
        assert reply.headers["access-control-allow-origin"] == "https://example.com"
        client.update_function_url_config(FunctionName=name, Cors={})
        assert "event" in visitor.fetch("OPTIONS", "/", preflight).json, "the function answers itself"


def test_curl(server, url):
    done = curl(server, url + "a?b=c", "-H", "content-type: text/plain", "-d", "hello")
    assert json.loads(done.stdout)["event"]["body"] == "hello", done.stderr
    large = b"y" * 2_000_000
    done = curl(server, url, "-v", "-H", "Expect: 100-continue", "-H", "content-type: text/plain",
                "--data-binary", "@-", "-o", "/dev/null", "-w", "%{http_code}", data=large)
    assert done.stdout == b"200" and b"100 Continue" in done.stderr
    done = curl(server, url, "-X", "POST", "-H", "Transfer-Encoding: chunked", "-H", "content-type: text/plain",
                "--data-binary", "@-", data=b"z" * 100_000)
    assert len(json.loads(done.stdout)["event"]["body"]) == 100_000
    done = curl(server, url, "-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects} ", url)
    assert done.stdout == b"1 0 ", "the second request goes on the same connection"


@pytest.mark.aws_cli
def test_the_aws_cli(server, client):
    name = create(client, ECHO)

    def ask(operation, *arguments):
        done = aws(server, "lambda", operation, *arguments, "--function-name", name)
        return json.loads(done) if done else None

    made = ask("create-function-url-config", "--auth-type", "AWS_IAM", "--cors", "AllowOrigins=*,MaxAge=5")
    assert ask("get-function-url-config")["Cors"] == made["Cors"] == {"AllowOrigins": ["*"], "MaxAge": 5}
    assert ask("update-function-url-config", "--invoke-mode", "RESPONSE_STREAM")["InvokeMode"] == "RESPONSE_STREAM"
    assert len(ask("list-function-url-configs")["FunctionUrlConfigs"]) == 1
    ask("delete-function-url-config")
    assert ask("list-function-url-configs")["FunctionUrlConfigs"] == []


def test_the_sdk_for_javascript(server, client, npm):
    name = create(client, ECHO)
    program = """
import {
  AddPermissionCommand, CreateFunctionUrlConfigCommand, DeleteFunctionUrlConfigCommand, GetFunctionUrlConfigCommand,
  LambdaClient, ListFunctionUrlConfigsCommand, UpdateFunctionUrlConfigCommand,
} from '@aws-sdk/client-lambda';

const client = new LambdaClient({});
const where = { FunctionName: '%s' };
const send = (Command, more) => client.send(new Command({ ...where, ...more }));
const made = await send(CreateFunctionUrlConfigCommand, { AuthType: 'NONE' });
await send(AddPermissionCommand, {
  StatementId: 'url', Action: 'lambda:InvokeFunctionUrl', Principal: '*', FunctionUrlAuthType: 'NONE' });
await send(AddPermissionCommand, {
  StatementId: 'function', Action: 'lambda:InvokeFunction', Principal: '*', InvokedViaFunctionUrl: true });
const id = new URL(made.FunctionUrl).hostname.split('.')[0];
const visit = () => fetch(`${process.env.AWS_ENDPOINT_URL}/_hearth/url/${id}/a?b=c`, { method: 'POST', body: 'text' });
const visited = await (await visit()).json();
const updated = await send(UpdateFunctionUrlConfigCommand, { AuthType: 'AWS_IAM', Cors: { AllowOrigins: ['*'] } });
const listed = await send(ListFunctionUrlConfigsCommand, {});
const refused = (await visit()).status;
await send(DeleteFunctionUrlConfigCommand, {});
const missing = await send(GetFunctionUrlConfigCommand, {}).catch((error) => error.name);
console.log(JSON.stringify({ visited, updated, listed: listed.FunctionUrlConfigs.length, refused, missing }));
"""
    seen = json.loads(npm.run(program % name, server))
    assert seen["visited"]["event"]["body"] == "text" and seen["visited"]["event"]["rawPath"] == "/a"
    assert (seen["updated"]["AuthType"], seen["updated"]["Cors"]) == ("AWS_IAM", {"AllowOrigins": ["*"]})
    assert (seen["listed"], seen["refused"], seen["missing"]) == (1, 403, "ResourceNotFoundException")


def test_urls_end_with_their_configuration_and_with_their_function(server, client):
    name = create(client, ECHO)
    url = public_url(client, name)
    client.delete_function_url_config(FunctionName=name)
    with Visitor(server, url) as visitor:
        assert visitor.fetch().status == 403
    again = client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    assert again != url
    with Visitor(server, again) as visitor:
        assert visitor.fetch().status == 200
        client.delete_function(FunctionName=name)
        assert visitor.fetch().status == 403
    code, status, _ = refused(client.get_function_url_config, FunctionName=name)
    assert (code, status) == ("ResourceNotFoundException", 404)


def test_an_update_reaches_the_url(server, client):
    name = create(client, python("def handler(event, context):\n    return 1\n", name="app.py"))
    with Visitor(server, public_url(client, name)) as visitor:
        assert visitor.fetch().body == b"1"
        code = python("def handler(event, context):\n    return 2\n", name="app.py")
        client.update_function_code(FunctionName=name, ZipFile=code)
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
        assert visitor.fetch().body == b"2"


def test_a_url_survives_kill(make_server):
    server = make_server()
    client = server.start().client()
    url = public_url(client, create(client, ECHO))
    server.kill()
    server.start()
    moved = url.rsplit(":", 1)[0] + ":" + server.endpoint.rsplit(":", 1)[1] + "/"
    with Visitor(server, moved) as visitor:
        assert visitor.fetch().status == 200


def test_many_visitors_at_a_time(server, url):
    statuses = []

    def visit():
        with Visitor(server, url) as visitor:
            statuses.extend(visitor.fetch().status for _ in range(5))

    threads = [threading.Thread(target=visit) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 100
