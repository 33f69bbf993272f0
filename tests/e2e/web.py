"""Function URLs as visitors use them: by host name or by path, with a signature or without."""

import http.client
import json
import subprocess
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from functions import python
from server import clean_environment

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


def open_to_all(client, name, qualifier=None):
    """Lets everybody use a URL with AuthType NONE, as AWS wants it since October 2025: two statements."""
    where = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
    client.add_permission(
        **where, StatementId="url", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE"
    )
    client.add_permission(
        **where, StatementId="function", Action="lambda:InvokeFunction", Principal="*", InvokedViaFunctionUrl=True
    )


def public_url(client, name, **settings):
    """Gives a function a URL for everybody."""
    url = client.create_function_url_config(FunctionName=name, AuthType="NONE", **settings)["FunctionUrl"]
    open_to_all(client, name)
    return url


def url_id(url):
    return urlsplit(url).hostname.split(".")[0]


class Reply:
    """A response, read whole."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Visitor:
    """Sends requests to one URL on a connection of its own, which it keeps."""

    def __init__(self, server, url, by="host"):
        self.base = "" if by == "host" else f"/_hearth/url/{url_id(url)}"
        self.host = urlsplit(url).netloc if by == "host" else urlsplit(server.endpoint).netloc
        self.connection = http.client.HTTPConnection(urlsplit(server.endpoint).netloc, timeout=60)

    def send(self, method="GET", target="/", headers=(), body=None):
        """Sends a request; the response is not read yet."""
        connection = self.connection
        connection.putrequest(method, self.base + target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", self.host)
        for name, value in headers.items() if isinstance(headers, dict) else headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        return connection.getresponse()

    def fetch(self, *arguments, **named):
        return Reply(self.send(*arguments, **named))

    def signed(self, method="GET", target="/", body=b"", key="test", secret="test", token=None, headers=None,
               service="lambda", region="us-east-1"):
        """The headers of a request signed by botocore."""
        request = AWSRequest(
            method=method, url=f"http://{self.host}{self.base}{target}", data=body, headers=headers or {}
        )
        SigV4Auth(Credentials(key, secret, token), service, region).add_auth(request)
        return dict(request.headers.items())

    def presigned(self, target, key, secret, seconds=60):
        """The target of a request that carries its signature in the query, made by botocore."""
        request = AWSRequest(method="GET", url=f"http://{self.host}{self.base}{target}")
        SigV4QueryAuth(Credentials(key, secret), "lambda", "us-east-1", expires=seconds).add_auth(request)
        return request.url.removeprefix(f"http://{self.host}{self.base}")

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def curl(server, url, *arguments, data=None, timeout=60):
    """Runs curl on a URL below localhost, wherever the name resolves to; returns the finished process."""
    split = urlsplit(url)
    command = ["curl", "-sS", "--resolve", f"{split.hostname}:{split.port}:127.0.0.1", *arguments, url]
    return subprocess.run(
        [str(part) for part in command], input=data, capture_output=True, timeout=timeout, env=clean_environment()
    )


def wish(visitor, **wanted):
    return visitor.fetch("POST", "/", {"content-type": "application/json"}, json.dumps(wanted).encode())
