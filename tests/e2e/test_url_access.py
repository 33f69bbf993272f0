"""Function URLs: who may come in, in development and in production, and what an alias' URL is."""

import json
import subprocess

import pytest

from functions import create, invoke, python
from test_errors import refused
from web import ECHO, Visitor, curl, open_to_all, public_url, url_id


@pytest.mark.parametrize("mode", ["dev", "serve"])
def test_nobody_comes_in_without_both_permissions(make_server, mode):
    server = make_server(mode=mode).start()
    client = server.root_client() if mode == "serve" else server.client()
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
    key, secret = server.root_key()
    client = server.root_client()
    name = create(client, ECHO)
    url = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    with Visitor(server, url) as visitor:
        assert visitor.fetch(headers=visitor.signed(key=key, secret=secret)).status == 200
        for wrong, code in (
            ({"key": key, "secret": "wrong"}, "InvalidSignatureException"),
            ({"key": "AKIAUNKNOWN", "secret": secret}, "UnrecognizedClientException"),
            ({"key": key, "secret": secret, "service": "execute-api"}, "InvalidSignatureException"),
            ({"key": key, "secret": secret, "region": "eu-west-1"}, "InvalidSignatureException"),
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


@pytest.mark.parametrize("by", ["host", "path"])
def test_presigned_urls(make_server, by):
    server = make_server(mode="serve").start()
    key, secret = server.root_key()
    client = server.root_client()
    name = create(client, ECHO)
    url = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    with Visitor(server, url, by=by) as visitor:
        target = visitor.presigned("/a%20b?c=d%2Be&f", key, secret)
        event = visitor.fetch("GET", target).json["event"]
        assert (event["rawPath"], event["queryStringParameters"]["c"]) == ("/a%20b", "d+e")
        assert event["requestContext"]["authorizer"]["iam"]["accessKey"] == key
        for method, other in (
            ("GET", target.replace("c=d%2Be", "c=d+e")), ("GET", target.replace("/a%20b", "/b")), ("GET", target + "&g"),
            ("GET", target.replace("X-Amz-Expires=60", "X-Amz-Expires=600")), ("POST", target),
        ):
            assert other != target or method == "POST"
            reply = visitor.fetch(method, other)
            assert (reply.status, reply.headers["x-amzn-errortype"]) == (403, "InvalidSignatureException"), other


def test_curl_signs(server, client):
    if "--aws-sigv4" not in subprocess.run(["curl", "--help", "all"], capture_output=True, text=True).stdout:
        pytest.skip("this curl cannot sign")
    name = create(client, ECHO)
    url = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    done = curl(server, url, "--aws-sigv4", "aws:amz:us-east-1:lambda", "--user", "test:test")
    assert json.loads(done.stdout)["event"]["requestContext"]["authorizer"]["iam"]["userArn"], done.stderr


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


def test_functions_use_urls_too(server, client):
    caller = create(client, CALLER, Timeout=30)

    def visit(address, **more):
        seen = invoke(client, caller, {"path": f"/_hearth/url/{url_id(address)}/", **more}).payload
        return seen["status"], json.loads(seen["body"])

    status, body = visit(public_url(client, create(client, ECHO)))
    assert status == 200 and body["event"]["requestContext"]["accountId"] == "anonymous"
    closed = client.create_function_url_config(FunctionName=create(client, ECHO), AuthType="AWS_IAM")["FunctionUrl"]
    assert visit(closed) == (403, {"Message": "Forbidden"})
    status, body = visit(closed, sign=True)
    assert status == 200, body
    assert body["event"]["requestContext"]["authorizer"]["iam"]["userArn"].endswith(f"/{caller}")


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
