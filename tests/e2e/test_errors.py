"""Bad input gets the error AWS gives, and leaves nothing behind."""

import io
import json
import zipfile

import pytest
from botocore.exceptions import ClientError

from functions import ROLE, create, package, python, unique

CODE = python("def handler(event, context):\n    return event\n")


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def creation(**changes):
    settings = {
        "FunctionName": unique(), "Runtime": "python3.11", "Role": ROLE, "Handler": "app.handler",
        "Code": {"ZipFile": CODE},
    } | changes
    return {name: value for name, value in settings.items() if value is not None}


LONG = "x" * 65
INVALID = [
    ({"Runtime": "python9.9"}, "InvalidParameterValueException", "Value python9.9 at 'runtime' failed to satisfy constraint"),
    ({"Runtime": "nodejs14.x"}, "InvalidParameterValueException",
     "The runtime parameter of nodejs14.x is no longer supported for creating or updating AWS Lambda functions."),
    ({"Runtime": "java21"}, "InvalidParameterValueException", "java21"),
    ({"Runtime": None}, "InvalidParameterValueException",
     "Runtime and Handler are mandatory parameters for functions created with deployment packages."),
    ({"Role": "nobody"}, "ValidationException", "Value 'nobody' at 'role' failed to satisfy constraint"),
    ({"MemorySize": 1}, "ValidationException",
     "Value '1' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128"),
    ({"Timeout": 901}, "InvalidParameterValueException", "900"),
    ({"FunctionName": LONG}, "InvalidParameterValueException",
     f"1 validation error detected: Value '{LONG}' at 'functionName' failed to satisfy constraint: "
     "Member must have length less than or equal to 64"),
    ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException",
     "Could not unzip uploaded file. Please check your file, then try to upload again."),
    ({"Code": {"S3Bucket": "bucket", "S3Key": "key"}}, "InvalidParameterValueException", "S3"),
    ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException",
     "Reserved keys used in this request: AWS_REGION"),
    ({"Environment": {"Variables": {"BIG": "x" * 4096}}}, "InvalidParameterValueException",
     "exceeded the 4KB limit"),
    ({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:l:1"]}, "InvalidParameterValueException",
     "Layer version arn:aws:lambda:us-east-1:000000000000:layer:l:1 does not exist."),
]


@pytest.mark.parametrize("changes, code, message", INVALID, ids=[str(c)[:40] for c, _, _ in INVALID])
def test_a_bad_creation_is_refused(client, changes, code, message):
    arguments = creation(**changes)
    actual = refused(client.create_function, **arguments)
    assert actual[0] == code and actual[1] == 400, actual
    assert message in actual[2], actual
    if len(arguments["FunctionName"]) <= 64:
        missing = refused(client.get_function, FunctionName=arguments["FunctionName"])
        assert missing[0] == "ResourceNotFoundException"


def test_a_name_is_taken_once(client):
    name = create(client, CODE)
    code, status, message = refused(client.create_function, **creation(FunctionName=name))
    assert (code, status, message) == ("ResourceConflictException", 409, f"Function already exist: {name}")


def test_a_package_over_the_limit_is_refused(client):
    large = b"\0" * (52_428_800 - 1000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("app.py", "def handler(event, context): pass\n")
        archive.writestr("large", large)
        archive.writestr("more", b"\0" * 5000)
    code, status, _ = refused(client.create_function, **creation(Code={"ZipFile": buffer.getvalue()}))
    assert (code, status) == ("RequestEntityTooLargeException", 413)


def test_a_package_that_unpacks_too_large_is_refused(client):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "def handler(event, context): pass\n")
        archive.writestr("bomb", b"\0" * 262_144_001)
    code, status, message = refused(client.create_function, **creation(Code={"ZipFile": buffer.getvalue()}))
    assert (code, status, message) == (
        "InvalidParameterValueException", 400, "Unzipped size must be smaller than 262144000 bytes"
    )


def test_payloads_are_checked(client):
    name = create(client, CODE)
    code, status, message = refused(client.invoke, FunctionName=name, Payload=b"{not json")
    assert (code, status) == ("InvalidRequestContentException", 400)
    assert message.startswith("Could not parse request body into json: Could not parse payload into json:")
    large = json.dumps("x" * 6_291_456).encode()
    code, status, message = refused(client.invoke, FunctionName=name, Payload=large)
    assert (code, status) == ("RequestEntityTooLargeException", 413)
    assert message == (
        f"{len(large)} byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"
    )
    large = json.dumps("x" * 1_048_576).encode()
    code, status, message = refused(client.invoke, FunctionName=name, Payload=large, InvocationType="Event")
    assert (code, status) == ("RequestEntityTooLargeException", 413)
    assert "is too large for the Event invocation type (limit 1048576 bytes)" in message


def test_an_unknown_qualifier_is_not_found(client):
    name = create(client, CODE)
    for qualifier in ("7", "prod"):
        code, status, message = refused(client.invoke, FunctionName=name, Qualifier=qualifier)
        assert (code, status) == ("ResourceNotFoundException", 404)
        assert message.startswith("Function not found: ") and message.endswith(f":{name}:{qualifier}")


def test_reservations_leave_the_minimum(client):
    name = create(client, CODE)
    code, status, message = refused(
        client.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=901
    )
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert message == (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    )


def test_what_is_not_implemented_says_so(client):
    code, status, message = refused(client.list_event_source_mappings)
    assert status == 501 and "ListEventSourceMappings" in message, (code, status, message)


HOSTILE = {
    "../escape.py": "x = 1\n", "/absolute.py": "x = 1\n",
}


@pytest.mark.parametrize("path", HOSTILE)
def test_a_zip_that_reaches_outside_is_refused(client, path):
    zip_file = package({"app.py": "def handler(event, context): pass\n", path: HOSTILE[path]})
    code, status, message = refused(client.create_function, **creation(Code={"ZipFile": zip_file}))
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert message.startswith("Could not unzip uploaded file")
