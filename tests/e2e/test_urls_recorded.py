"""Answers about function URLs that were recorded from AWS, read in place where they are: $HEARTH_GOLDEN, else
../shared/golden beside the repository. The cases of `cases/lambda/function-url*` say the same without them."""

import json
import os
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from functions import create, python
from server import ROOT

GOLDEN = Path(os.environ.get("HEARTH_GOLDEN", ROOT.parent / "shared/golden")) / "aws-recorded/lambda/api.json"
CODE = python("def handler(event, context):\n    return event\n")


@pytest.fixture(scope="module")
def recorded():
    if not GOLDEN.exists():
        pytest.skip(f"{GOLDEN} is not there: the recorded answers were not compared")
    tests = json.loads(GOLDEN.read_text())
    return lambda name: next(v["recorded-content"] for k, v in tests.items() if k.endswith(f"::{name}"))


@pytest.fixture(scope="module")
def function(client):
    name = create(client, CODE)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="urlalias", FunctionVersion="1")
    return name


def answer(call, **arguments):
    """An answer or an error as the recordings have them."""
    try:
        response = call(**arguments)
    except ClientError as error:
        response = error.response
    metadata = response.pop("ResponseMetadata")
    return response | {"ResponseMetadata": {"HTTPHeaders": {}, "HTTPStatusCode": metadata["HTTPStatusCode"]}}


def like(value, pattern, name, place="answer"):
    """Compares an answer with a recording, in which names, times and ids stand for any."""
    if isinstance(pattern, dict):
        assert set(value) == set(pattern), place
        for key in pattern:
            like(value[key], pattern[key], name, f"{place}.{key}")
    elif isinstance(pattern, list):
        assert len(value) == len(pattern), place
        for index, (one, other) in enumerate(zip(value, pattern)):
            like(one, other, name, f"{place}[{index}]")
    elif pattern == "lambda-url":
        assert ".lambda-url.us-east-1." in value, place
    elif pattern == "date":
        assert value.endswith("Z"), place
    elif isinstance(pattern, str):
        for placeholder, ours in (
            ("<partition>", "aws"), ("<region>", "us-east-1"), ("111111111111", "000000000000"),
            ("<resource:1>", name), ("<function-name:1>", name), ("<wrong-region>", "eu-west-1"),
        ):
            pattern = pattern.replace(placeholder, ours)
        assert value == pattern, place
    else:
        assert value == pattern, place


def test_the_life_of_a_url(client, recorded):
    name, content = create(client, CODE), recorded("test_url_config_lifecycle")
    url = {"FunctionName": name}
    like(answer(client.create_function_url_config, **url, AuthType="NONE"), content["url_creation"], name)
    like(answer(client.create_function_url_config, **url, AuthType="NONE"), content["failed_duplication"], name)
    like(answer(client.get_function_url_config, **url), content["get_url_config"], name)
    like(answer(client.update_function_url_config, **url, AuthType="AWS_IAM"), content["updated_url_config"], name)
    client.delete_function_url_config(**url)
    like(answer(client.get_function_url_config, **url), content["failed_getter"], name)


def test_pages_of_urls(client, recorded):
    name, content = create(client, CODE), recorded("test_url_config_list_paging")
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="urlalias", FunctionVersion="1")
    url = {"FunctionName": name}
    missing = answer(client.list_function_url_configs, FunctionName="doesnotexist")
    like(missing, content["list_function_notfound"], name)
    like(answer(client.list_function_url_configs, **url), content["list_all_empty"], name)
    like(answer(client.create_function_url_config, **url, AuthType="NONE"), content["url_config_fn"], name)
    made = answer(client.create_function_url_config, **url, Qualifier="urlalias", AuthType="NONE")
    like(made, content["url_config_alias"], name)
    like(answer(client.list_function_url_configs, **url), content["list_all"], name)


def test_deletion_spares_the_alias(client, recorded):
    name, content = create(client, CODE), recorded("test_url_config_deletion_without_qualifier")
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="test-alias", FunctionVersion="1")
    url, alias = {"FunctionName": name}, {"FunctionName": name, "Qualifier": "test-alias"}
    like(answer(client.create_function_url_config, **url, AuthType="NONE"), content["url_creation"], name)
    like(answer(client.create_function_url_config, **alias, AuthType="NONE"), content["url_with_alias_creation"], name)
    like(answer(client.get_function_url_config, **url), content["get_url_config"], name)
    like(answer(client.get_function_url_config, **alias), content["get_url_config_with_alias"], name)
    like(answer(client.delete_function_url_config, **url), content["delete_function_url_config"], name)
    like(answer(client.get_function_url_config, **url), content["get_url_config_after_deletion"], name)
    after = answer(client.get_function_url_config, **alias)
    like(after, content["get_url_config_with_alias_after_deletion"], name)


ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
SITUATIONS = {
    "name_doesnotexist": lambda name: {"FunctionName": "doesnotexist"},
    "arn_doesnotexist": lambda name: {"FunctionName": f"{ARN}doesnotexist"},
    "name_doesnotexist_qualifier": lambda name: {"FunctionName": "doesnotexist", "Qualifier": "1"},
    "qualifier_version": lambda name: {"FunctionName": name, "Qualifier": "1"},
    "qualifier_version_doesnotexist": lambda name: {"FunctionName": name, "Qualifier": "2"},
    "qualifier_alias_doesnotexist": lambda name: {"FunctionName": name, "Qualifier": "doesnotexist"},
    "qualifier_alias_doesnotmatch_arn": lambda name: {
        "FunctionName": f"{ARN}{name}:doesnotexist", "Qualifier": "urlalias"
    },
    "qualifier_latest": lambda name: {"FunctionName": name, "Qualifier": "$LATEST"},
    "config_doesnotexist": lambda name: {"FunctionName": name},
}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("operation", ["create", "get", "update", "delete"])
def test_what_is_refused(client, function, recorded, operation, situation):
    expected = recorded("test_url_config_exceptions").get(f"{operation}_function_url_config_{situation}")
    if not isinstance(expected, dict):
        pytest.skip("AWS has no answer to that: it succeeds, or fails inside")
    call = getattr(client, f"{operation}_function_url_config")
    more = {"AuthType": "NONE"} if operation in ("create", "update") else {}
    like(answer(call, **SITUATIONS[situation](function), **more), expected, function)


def test_another_region_and_nothing_at_all(client, recorded):
    wrong = recorded("test_get_function_wrong_region[get_function_url_config]")["wrong_region_exception"]
    elsewhere = ARN.replace("us-east-1", "eu-west-1") + "f"
    like(answer(client.get_function_url_config, FunctionName=elsewhere), wrong, "f")
    missing = recorded("test_ops_on_nonexisting_fn[get_function_url_config]")["not_found_exception"]
    like(answer(client.get_function_url_config, FunctionName="doesnotexist"), missing, "f")
