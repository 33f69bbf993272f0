"""What AWS answered to functions of its runtimes: the cases of `cases/recorded`."""

import json
import re
import shutil
import subprocess

import pytest

from bootstraps import bundle
from functions import ROLE, invoke, unique
from server import BINARY, ROOT, clean_environment
from tier import process_options

pytestmark = pytest.mark.every_tier

OWN_FILES = ("case.json", "expected.json")


def cases():
    for file in sorted((ROOT / "cases/recorded").glob("*/case.json")):
        for runtime in json.loads(file.read_text())["runtimes"]:
            yield pytest.param(file.parent, runtime, id=f"{file.parent.name}-{runtime}")


@pytest.fixture(scope="module")
def interpreters():
    """What `hearth doctor` says of each runtime."""
    found = subprocess.run(
        [BINARY, "doctor", "--json"], capture_output=True, env=clean_environment(), cwd="/", **process_options()
    )
    return {runtime["identifier"]: runtime for runtime in json.loads(found.stdout)["runtimes"]}


def skip_without(case, runtime, interpreters):
    for program in case.get("needs", ()):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    if runtime not in interpreters:
        pytest.skip(f"no interpreter for {runtime} is installed")
    note = interpreters[runtime]["note"]
    if case.get("exact") and note:
        pytest.skip(note)


@pytest.mark.parametrize("folder, runtime", list(cases()))
def test_aws_answered_the_same(client, logs, interpreters, folder, runtime):
    case, expected = (json.loads((folder / name).read_text()) for name in OWN_FILES)
    skip_without(case, runtime, interpreters)
    code = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and path.name not in OWN_FILES}
    name = unique()
    created = client.create_function(
        FunctionName=name, Runtime=runtime, Role=ROLE, Code={"ZipFile": bundle(code)}, **case["create"]
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    answer = invoke(client, name, case["event"])
    invoked = {"StatusCode": answer.status, "ExecutedVersion": answer.version, "Payload": answer.payload}
    if answer.error:
        invoked["FunctionError"] = answer.error
    names = {"{function}": name, "{runtime}": runtime, "{request}": answer.request_id}
    if "created" in expected:
        created.pop("ResponseMetadata")
        alike(created, expected["created"], names, "created")
    alike(invoked, expected["invoked"], names, "invoked")
    if "log" in expected:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        alike([event["message"] for page in pages for event in page["events"]], expected["log"], names, "log")


def alike(value, expected, names, place):
    """Compares an answer with an expectation, in whose texts names stand for values."""
    if isinstance(expected, dict):
        assert value.keys() == expected.keys(), place
        for key in expected:
            alike(value[key], expected[key], names, f"{place}.{key}")
    elif isinstance(expected, list):
        assert len(value) == len(expected), (place, value)
        for index, (one, other) in enumerate(zip(value, expected)):
            alike(one, other, names, f"{place}[{index}]")
    elif isinstance(expected, str):
        for stands_for, name in names.items():
            expected = expected.replace(stands_for, name)
        if "{any}" not in expected:
            assert value == expected, place
        else:
            pattern = ".+".join(map(re.escape, expected.split("{any}")))
            assert re.fullmatch(pattern, str(value)), (place, value, expected)
    else:
        assert value == expected, place
