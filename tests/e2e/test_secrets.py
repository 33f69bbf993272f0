"""What the server says of itself: at no level does it say a secret that passes through it."""

import configparser

import pytest
from botocore.exceptions import ClientError

from functions import create, invoke, python, unique
from server import wait_until
from tier import TIER
from web import Visitor

pytestmark = [
    pytest.mark.every_tier,
    pytest.mark.skipif(TIER == "process", reason="there is no serve in the tier process"),
]

# Gives its credentials away, tries them with a wrong signature, and logs what only its own log may have.
TELL_ALL = """
import json, os, urllib.error, urllib.request

def handler(event, context):
    print("printed", event["printed"])
    keys = {name: os.environ["AWS_" + name] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")}
    request = urllib.request.Request("http://169.254.100.1:4566/2015-03-31/functions/?" + event["printed"], headers={
        "X-Amz-Security-Token": keys["SESSION_TOKEN"], "X-Amz-Date": "20260101T000000Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=" + keys["ACCESS_KEY_ID"] + "/20260101/us-east-1/lambda/"
                         "aws4_request, SignedHeaders=host, Signature=" + event["printed"]})
    try:
        urllib.request.urlopen(request, timeout=20)
    except urllib.error.HTTPError as error:
        keys["status"] = error.code
    if event.get("raise"):
        raise ValueError(event["printed"])
    return keys
"""


@pytest.mark.parametrize("level", ["debug", "trace"])
def test_secrets_are_in_no_log(make_server, level):
    server = make_server(mode="serve", args=["--log-level", level]).start()
    profile = configparser.ConfigParser()
    profile.read(server.data_dir / "profile")
    root = profile[profile.sections()[0]]
    key, secret = root["aws_access_key_id"], root["aws_secret_access_key"]
    client = server.client(key=key, secret=secret)
    passing = ("variable", "other", "refused", "payload", "signature", "visit")
    secrets = {name: unique(f"secret-{name}") for name in passing}

    name = create(client, python(TELL_ALL), Environment={"Variables": {"PASSWORD": secrets["variable"]}}, Timeout=60)
    keys = invoke(client, name, {"printed": secrets["payload"]}).payload
    assert keys.pop("status") == 403
    assert invoke(client, name, {"printed": secrets["payload"], "raise": True}).error == "Unhandled"
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {"PASSWORD": secrets["other"]}})
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    # What is refused is not said either: names that cannot be, too many of them, a wrong signature, no JSON.
    for variables in [{"1": secrets["refused"]}, {"AWS_REGION": secrets["refused"]}, {"A": secrets["refused"] * 200}]:
        with pytest.raises(ClientError):
            client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    with pytest.raises(ClientError):
        server.client(key=key, secret=secrets["signature"]).list_functions()
    with pytest.raises(ClientError):
        client.invoke(FunctionName=name, Payload=b"{" + secrets["payload"].encode())
    client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    url = client.get_function_url_config(FunctionName=name)["FunctionUrl"]
    with Visitor(server, url) as visitor:
        target = f"/?token={secrets['visit']}"
        headers = visitor.signed("GET", target, key=key, secret=secret)
        reply = visitor.fetch("GET", target, headers | {"Cookie": f"session={secrets['visit']}"})
        assert reply.status == 502, "the function fails, since it is not told what to print"
    server.stop()
    wait_until(lambda: any("stopping" in line for line in server.output), "its last words are read")

    output = "\n".join(server.output)
    assert output.count("UpdateFunctionConfiguration") >= 4, "it says what was asked of it"
    secrets |= {"root": secret} | {name: keys[name] for name in ("SECRET_ACCESS_KEY", "SESSION_TOKEN")}
    for name, value in secrets.items():
        assert value not in output, f"{name} is in the log"
