"""Function URLs: what functions get, what visitors get, and who may visit."""

import base64
import json
import shutil
import subprocess
import threading
import time

import pytest

from functions import create, invoke, node, python
from server import BINARY, clean_environment
from test_errors import refused
from web import Visitor, curl, open_to_all, public_url, url_id

# Answers the event, or what the body wishes.
ECHO = python("""
    import base64, json, time

    def handler(event, context):
        body = event.get("body") or ""
        if event["isBase64Encoded"]:
            body = base64.b64decode(body).decode("latin-1")
        wish = json.loads(body) if body.startswith("{") else {}
        if wish.get("raise"):
            raise ValueError("secret")
        if wish.get("sleep"):
            time.sleep(wish["sleep"])
        if "return" in wish:
            return wish["return"]
        return {"event": event, "id": context.aws_request_id, "arn": context.invoked_function_arn}
""")


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


def wish(visitor, **wanted):
    return visitor.fetch("POST", "/", {"content-type": "application/json"}, json.dumps(wanted).encode())


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


def test_nobody_comes_in_without_both_permissions(server, client):
    name = create(client, ECHO)
    url = client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    with Visitor(server, url) as visitor:
        assert visitor.fetch().json == {"Message": "Forbidden"}
        client.add_permission(FunctionName=name, StatementId="url", Action="lambda:InvokeFunctionUrl",
                              Principal="*", FunctionUrlAuthType="NONE")
        assert visitor.fetch().status == 403, "InvokeFunction is not allowed yet"
        client.add_permission(FunctionName=name, StatementId="function", Action="lambda:InvokeFunction",
                              Principal="*", InvokedViaFunctionUrl=True)
        assert visitor.fetch().status == 200
        client.remove_permission(FunctionName=name, StatementId="url")
        assert visitor.fetch().status == 403
        client.add_permission(FunctionName=name, StatementId="iam", Action="lambda:InvokeFunctionUrl",
                              Principal="*", FunctionUrlAuthType="AWS_IAM")
        assert visitor.fetch().status == 403, "that is for visitors who sign"


@pytest.mark.parametrize("by", ["host", "path"])
def test_signed_requests(server, client, by):
    name = create(client, ECHO)
    url = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    with Visitor(server, url, by=by) as visitor:
        reply = visitor.fetch("POST", "/a b?c".replace(" ", "%20"), {}, b"x")
        assert (reply.status, reply.json) == (403, {"Message": "Forbidden"})
        headers = visitor.signed("POST", "/a%20b?c=d", b"x")
        reply = visitor.fetch("POST", "/a%20b?c=d", headers, b"x")
        assert reply.status == 200, reply.body
        event = reply.json["event"]
        assert event["requestContext"]["accountId"] == "000000000000"
        assert event["requestContext"]["authorizer"]["iam"]["accessKey"] == "test"
        assert "authorization" not in event["headers"] and "x-amz-date" in event["headers"]


def test_other_accounts_need_the_policy(server, client):
    name = create(client, ECHO)
    url = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    other = {"key": "111122223333"}
    with Visitor(server, url) as visitor:
        assert visitor.fetch(headers=visitor.signed(**other)).status == 403
        client.add_permission(FunctionName=name, StatementId="url", Action="lambda:InvokeFunctionUrl",
                              Principal="111122223333", FunctionUrlAuthType="AWS_IAM")
        client.add_permission(FunctionName=name, StatementId="function", Action="lambda:InvokeFunction",
                              Principal="111122223333", InvokedViaFunctionUrl=True)
        reply = visitor.fetch(headers=visitor.signed(**other))
        assert reply.json["event"]["requestContext"]["accountId"] == "111122223333"
        assert visitor.fetch(headers=visitor.signed(key="444455556666")).status == 403


def test_serve_verifies_signatures(make_server):
    server = make_server(mode="serve").start()
    text = (server.data_dir / "profile").read_text()
    profile = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    profile = {key.strip(): value.strip() for key, value in profile.items()}
    key, secret = profile["aws_access_key_id"], profile["aws_secret_access_key"]
    client = server.client(key=key, secret=secret)
    name = create(client, ECHO)
    url = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    with Visitor(server, url) as visitor:
        assert visitor.fetch(headers=visitor.signed(key=key, secret=secret)).status == 200
        for wrong, code in (
            ({"key": key, "secret": "wrong"}, "InvalidSignatureException"),
            ({"key": "AKIAUNKNOWN", "secret": secret}, "UnrecognizedClientException"),
            ({"key": key, "secret": secret, "service": "execute-api"}, "InvalidSignatureException"),
        ):
            reply = visitor.fetch(headers=visitor.signed(**wrong))
            assert (reply.status, reply.headers["x-amzn-errortype"]) == (403, code)
        headers = visitor.signed("POST", "/", b"one", key=key, secret=secret)
        assert visitor.fetch("POST", "/", headers, b"two").status == 403, "the body was changed"
        assert visitor.fetch().json == {"Message": "Forbidden"}
    open_url = client.update_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    assert open_url == url
    with Visitor(server, url) as visitor:
        assert visitor.fetch().status == 403
        open_to_all(client, name)
        assert visitor.fetch().status == 200


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


def test_curl_signs(server, client, echo):
    if "--aws-sigv4" not in subprocess.run(["curl", "--help", "all"], capture_output=True, text=True).stdout:
        pytest.skip("this curl cannot sign")
    name = create(client, ECHO)
    url = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    done = curl(server, url, "--aws-sigv4", "aws:amz:us-east-1:lambda", "--user", "test:test")
    assert json.loads(done.stdout)["event"]["requestContext"]["authorizer"]["iam"]["userArn"], done.stderr


def test_the_aws_cli(server, client, echo):
    if not shutil.which("aws"):
        pytest.skip("the AWS CLI is not installed")
    name = create(client, ECHO)

    def aws(*arguments):
        done = subprocess.run(
            ["aws", "lambda", *arguments, "--function-name", name, "--endpoint-url", server.endpoint],
            capture_output=True, text=True, timeout=60,
            env=clean_environment(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1"),
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    made = aws("create-function-url-config", "--auth-type", "AWS_IAM", "--cors", "AllowOrigins=*,MaxAge=5")
    assert aws("get-function-url-config")["Cors"] == made["Cors"] == {"AllowOrigins": ["*"], "MaxAge": 5}
    assert aws("update-function-url-config", "--invoke-mode", "RESPONSE_STREAM")["InvokeMode"] == "RESPONSE_STREAM"
    assert len(aws("list-function-url-configs")["FunctionUrlConfigs"]) == 1
    aws("delete-function-url-config")
    assert aws("list-function-url-configs")["FunctionUrlConfigs"] == []


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


STREAM = node("""
    exports.handler = awslambda.streamifyResponse(async (event, stream) => {
      const wish = event.queryStringParameters ?? {};
      stream = awslambda.HttpResponseStream.from(stream, {
        statusCode: 207, headers: { "Content-Type": "text/plain", "X-Own": "1" }, cookies: ["a=1", "b=2"],
      });
      stream.write("first ");
      if (wish.wait) await new Promise((done) => setTimeout(done, 1000 * wish.wait));
      if (wish.fail) throw new Error("later");
      if (wish.megabytes) {
        const piece = Buffer.alloc(1 << 20, 120);
        for (let i = 0; i < wish.megabytes; i++)
          if (!stream.write(piece)) await new Promise((done) => stream.once("drain", done));
      }
      stream.end("last");
    });
""")


@pytest.fixture(scope="module")
def streaming(client):
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    name = create(client, STREAM, runtime="nodejs20.x", Timeout=60)
    return public_url(client, name, InvokeMode="RESPONSE_STREAM")


def test_a_stream_begins_before_the_function_ends(server, streaming):
    with Visitor(server, streaming) as visitor:
        visitor.fetch()
        begun = time.monotonic()
        response = visitor.send("GET", "/?wait=3")
        assert response.status == 207 and response.headers["x-own"] == "1"
        assert response.headers.get_all("set-cookie") == ["a=1", "b=2"]
        assert response.headers["transfer-encoding"] == "chunked"
        assert response.read(6) == b"first "
        assert time.monotonic() - begun < 2.5
        assert response.read() == b"last"
        assert time.monotonic() - begun >= 3


def test_a_stream_that_fails_breaks_the_connection(server, streaming):
    for _ in range(10):
        done = curl(server, streaming + "?fail=1")
        assert done.stdout == b"first " and done.returncode in (18, 56), done.stderr
    with Visitor(server, streaming) as visitor:
        assert visitor.fetch().body == b"first last"


def test_a_slow_reader_delays_only_its_function(server, client, streaming, url):
    with Visitor(server, streaming) as slow, Visitor(server, streaming) as quick, Visitor(server, url) as other:
        response = slow.send("GET", "/?megabytes=40")
        assert response.read(6) == b"first "
        for _ in range(5):
            assert quick.fetch().body == b"first last"
            assert wish(other, **{"return": 1}).body == b"1"
        rest = response.read()
        assert len(rest) == 40 * (1 << 20) + len("last")


def test_a_whole_response_may_be_streamed(server, client, echo):
    name = create(client, ECHO)
    with Visitor(server, public_url(client, name, InvokeMode="RESPONSE_STREAM")) as visitor:
        reply = wish(visitor, **{"return": {"a": 1}})
        assert (reply.status, reply.json) == (200, {"a": 1})
        assert reply.headers["content-type"] == "application/octet-stream"
        assert wish(visitor, **{"raise": True}).body == b"Internal Server Error"


# Visits a path of Hearth's own, signed with the session of the environment or not.
CALLER = python("""
    import hashlib, hmac, os, time, urllib.error, urllib.request

    def signed(host, path):
        when, token = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), os.environ["AWS_SESSION_TOKEN"]
        names, scope = "host;x-amz-date;x-amz-security-token", when[:8] + "/us-east-1/lambda/aws4_request"
        nothing = hashlib.sha256(b"").hexdigest()
        canonical = ["GET", path, "", "host:" + host, "x-amz-date:" + when, "x-amz-security-token:" + token, "", names,
                     nothing]
        digest = hashlib.sha256(chr(10).join(canonical).encode()).hexdigest()
        key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
        for part in scope.split("/") + [chr(10).join(["AWS4-HMAC-SHA256", when, scope, digest])]:
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        credential = os.environ["AWS_ACCESS_KEY_ID"] + "/" + scope
        return {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={key.hex()}",
            "X-Amz-Date": when, "X-Amz-Security-Token": token,
        }

    def handler(event, context):
        endpoint, path = os.environ["AWS_ENDPOINT_URL"], event["path"]
        headers = signed(endpoint.split("//")[1], path) if event.get("sign") else {}
        try:
            answer = urllib.request.urlopen(urllib.request.Request(endpoint + path, headers=headers))
        except urllib.error.HTTPError as error:
            answer = error
        return {"status": answer.status, "body": answer.read().decode()}
""")


def test_functions_use_urls_too(server, client, url):
    caller = create(client, CALLER, Timeout=30)

    def visit(address, **more):
        seen = invoke(client, caller, {"path": f"/_hearth/url/{url_id(address)}/", **more}).payload
        return seen["status"], json.loads(seen["body"])

    status, body = visit(url)
    assert status == 200 and body["event"]["requestContext"]["accountId"] == "anonymous"
    closed = client.create_function_url_config(FunctionName=create(client, ECHO), AuthType="AWS_IAM")["FunctionUrl"]
    assert visit(closed) == (403, {"Message": "Forbidden"})
    status, body = visit(closed, sign=True)
    assert status == 200, body
    assert body["event"]["requestContext"]["authorizer"]["iam"]["userArn"].endswith(f"/{caller}")


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


def test_an_alias_has_its_own_url(server, client):
    name = create(client, ECHO)
    version = client.publish_version(FunctionName=name)["Version"]
    client.create_alias(FunctionName=name, Name="prod", FunctionVersion=version)
    config = client.create_function_url_config(FunctionName=name, Qualifier="prod", AuthType="NONE")
    assert config["FunctionArn"].endswith(f":{name}:prod")
    with Visitor(server, config["FunctionUrl"]) as visitor:
        open_to_all(client, name)
        assert visitor.fetch().status == 403, "that policy is the function's, not the alias'"
        open_to_all(client, name, qualifier="prod")
        reply = visitor.fetch()
        assert reply.json["arn"].endswith(f":{name}:prod")
        client.delete_alias(FunctionName=name, Name="prod")
        assert visitor.fetch().status == 403
    code, *_ = refused(client.get_function_url_config, FunctionName=name, Qualifier="prod")
    assert code == "ResourceNotFoundException"


def hearth(server, *arguments, status=0):
    done = subprocess.run(
        [str(BINARY), *arguments, "--endpoint", server.endpoint], capture_output=True, text=True, timeout=60,
        env=clean_environment(),
    )
    assert done.returncode == status, (arguments, done)
    return done


def test_the_command_opens_a_url_to_everybody(server, client):
    name = create(client, ECHO)
    done = hearth(server, "url", name)
    url = done.stdout.strip()
    assert url == client.get_function_url_config(FunctionName=name)["FunctionUrl"]
    assert "for everybody" in done.stderr and f"{server.endpoint}/_hearth/url/{url_id(url)}/" in done.stderr
    with Visitor(server, url) as visitor:
        assert visitor.fetch().status == 200
        assert hearth(server, "url", name).stdout.strip() == url, "again it only says what there is"
        hearth(server, "url", name, "--auth", "iam", "--stream", "--cors", "https://example.com")
        config = json.loads(hearth(server, "url", name, "--json").stdout)
        assert (config["AuthType"], config["InvokeMode"]) == ("AWS_IAM", "RESPONSE_STREAM")
        assert config["Cors"]["AllowOrigins"] == ["https://example.com"]
        assert visitor.fetch().status == 403
        code, *_ = refused(client.get_policy, FunctionName=name)
        assert code == "ResourceNotFoundException", "what opened the URL is gone"
        assert "for everybody" in hearth(server, "url", name, "--auth", "none", "--buffered", "--no-cors").stderr
        assert visitor.fetch().status == 200
        config = json.loads(hearth(server, "url", name, "--json").stdout)
        assert (config["AuthType"], config["InvokeMode"], config["Cors"]) == ("NONE", "BUFFERED", {})
        assert hearth(server, "url", name, "--delete").stdout == ""
        assert visitor.fetch().status == 403
    assert "does not exist" in hearth(server, "url", name, "--delete", status=1).stderr
    assert "does not exist" in hearth(server, "url", "nosuchfunction", status=1).stderr
    hearth(server, "url", name, "--stream", "--buffered", status=64)


def test_the_command_knows_aliases(server, client):
    name = create(client, ECHO)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="prod", FunctionVersion="1")
    url = hearth(server, "url", name, "--qualifier", "prod").stdout.strip()
    with Visitor(server, url) as visitor:
        assert visitor.fetch().json["arn"].endswith(":prod")
    hearth(server, "url", name, "--qualifier", "prod", "--delete")
