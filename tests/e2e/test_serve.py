"""`hearth serve`: every request is verified, the first start hands out a root access key."""

import json
import stat

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from event_stream import stream
from functions import create, invoke, python
from languages import ECHO


@pytest.fixture
def production(make_server):
    return make_server(mode="serve").start()


def profile(server):
    found = [p for p in server.data_dir.rglob("*") if p.is_file() and "profile" in p.name]
    assert len(found) == 1, list(server.data_dir.iterdir())
    return found[0]


def client(server, key, secret, **settings):
    return boto3.client(
        "lambda", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=key,
        aws_secret_access_key=secret, config=Config(retries={"max_attempts": 0}), **settings,
    )


def test_the_profile_is_the_owners_alone_and_works(production):
    path = profile(production)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lambda_ = client(production, *production.root_key())
    name = create(lambda_, python(ECHO["python"]))
    assert invoke(lambda_, name, {"a": 1}).payload["event"] == {"a": 1}
    secret = production.root_key()[1].encode()
    for file in production.data_dir.rglob("*"):
        if file.is_file() and file != path:
            assert secret not in file.read_bytes(), f"the secret key is in {file}"


def test_streams_are_verified_too(production):
    lambda_ = client(production, *production.root_key())
    name = create(lambda_, python(ECHO["python"]))
    assert json.loads(stream(lambda_, name, {"a": 1}).body)["event"] == {"a": 1}
    with pytest.raises(ClientError) as refused:
        stream(client(production, production.root_key()[0], "x" * 40), name)
    assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"


def test_others_are_refused(production):
    key, secret = production.root_key()
    cases = [
        (("AKIAAAAAAAAAAAAAAAAA", secret), "UnrecognizedClientException"),
        ((key, "x" * 40), "InvalidSignatureException"),
        (("test", "test"), "UnrecognizedClientException"),
    ]
    for credentials, code in cases:
        with pytest.raises(ClientError) as refused:
            client(production, *credentials).list_functions()
        assert refused.value.response["Error"]["Code"] == code
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_the_key_survives_a_restart(production):
    before = production.root_key()
    production.stop()
    production.start()
    assert production.root_key() == before
    client(production, *before).list_functions()


def test_environment_variables_are_sealed_at_rest(production):
    lambda_ = client(production, *production.root_key())
    secret = "a-very-secret-value-4711"
    name = create(lambda_, python("import os\ndef handler(e, c):\n    return os.environ['PASSWORD']\n"),
                  Environment={"Variables": {"PASSWORD": secret}})
    assert invoke(lambda_, name).payload == secret
    production.stop()
    for file in production.data_dir.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), f"the value is in {file}"
    assert all(secret not in line for line in production.output)
