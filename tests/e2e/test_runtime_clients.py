"""AWS's own runtime clients as custom runtimes: for Python and Node.js beside Hearth's bootstraps, for Rust."""

import base64
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

import ric
from bootstraps import bundle
from functions import create, invoke
from runtime_cases import cases_of
from server import ROOT

PYTHON = "/usr/bin/python3"
NODE = "/usr/bin/node"
BUILD_SECONDS = 540

# Cases whose answer is another one by design, and why.
DIFFERENT = {
    "python-descriptors": "asks for the descriptors of the bootstrap",
    "python-own-names": "what the client imports it finds among the modules of the function",
    "python-error-huge": "Hearth shortens the text of a huge error",
    "nodejs-error-huge": "Hearth shortens the text of a huge error",
    "nodejs-init-rejection": "the client has asked for its first event by the time Node.js reports the rejection",
    "nodejs-stream-destroyed": "the client cannot report an error while its response is open",
    "nodejs-stream-uncaught": "the client cannot report an error while its response is open",
    "nodejs-stream-write-after-the-end": "the client tears its connection down, before or after the response has gone",
    "nodejs-stream-not-async": "what the function writes later ends the client's report, or comes too late for it",
    "nodejs-timers-replaced": "the client uses the clock that the module has replaced",
    "nodejs-stream-malformed": "this version of the client fails over its own error",
}
# Events of which the same is true.
DIFFERENT_EVENTS = {
    "python-error": {"unprintable": "an error that has no text ends the client"},
    "nodejs-error-odd-values": {
        "symbol": "the client fails over what has no text",
        "bare": "the client fails over what has no text",
    },
    "nodejs-stream-http": {
        "end": "the client loses metadata without a write",
        "nothing": "the client loses metadata without a write",
    },
}
# Members of an answer that tell a client from a bootstrap.
DIFFERENT_MEMBERS = {
    "python-interpreter": ["encodings", "utf8 mode", "site-packages"],
    "python-search-path": ["path", "arguments"],
    "python-variables": ["names"],
    "nodejs-variables": ["names", "execution"],
}
# Cases whose trace goes on here with the stack of the reason.
LONGER_TRACE = ("nodejs-import-missing", "nodejs-import-missing-handler-file", "nodejs-syntax-error",
                "nodejs-unhandled-rejection")


def installed(distribution, needs=()):
    """The files of an installed Python package and of those it needs."""
    files = {}
    for name in (distribution, *needs):
        try:
            found = importlib.metadata.files(name)
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{name} is not installed")
        for file in found:
            path = Path(file.locate())
            if ".." not in file.parts and "__pycache__" not in file.parts and path.is_file():
                files[str(file)] = path.read_bytes()
    return files


def release(program, *arguments):
    """Major and minor version of an interpreter of the base."""
    if not os.path.exists(program):
        pytest.skip(f"the base has no {program}")
    said = subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout
    return ".".join(re.findall(r"\d+", said)[:2])


@pytest.fixture(scope="module")
def python_client():
    """A release of Python, and a package with the client for it."""
    version = release(PYTHON, "-c", "import sys; print(*sys.version_info[:2])")
    files = installed("awslambdaric", ("simplejson", "snapshot-restore-py"))
    native = [name for name in files if re.match(r"runtime_client\.cpython-\d+", name)]
    if not any(f"cpython-{version.replace('.', '')}-" in name for name in native):
        pytest.skip(f"awslambdaric is not installed for {PYTHON}, which is {version}")
    files["bootstrap"] = f'#!/bin/sh\nexec {PYTHON} -m awslambdaric "$_HANDLER"\n'.encode()
    return version, files


@pytest.fixture(scope="module")
def node_client():
    """A release of Node.js, and a package with the client for it."""
    return release(NODE, "--version"), ric.files(BUILD_SECONDS)


def buffered(client, function, event, **settings):
    """How an invocation failed, if it did, what it answered, and its id."""
    answer = invoke(client, function, event, **settings)
    return answer.error, answer.raw.decode(), answer.request_id


def streamed(client, function, event, **settings):
    """The same for a function that streams: what it wrote stands before the text of its error."""
    # Who asks for the log waits until the environment is free for the next event.
    response = client.invoke_with_response_stream(
        FunctionName=function, Payload=json.dumps(event), LogType="Tail", **settings
    )
    events = list(response["EventStream"])
    body = b"".join(event["PayloadChunk"]["Payload"] for event in events if "PayloadChunk" in event)
    end = events[-1]["InvokeComplete"]
    error = end.get("ErrorCode")
    if error:
        return (error, body), end["ErrorDetails"], response["ResponseMetadata"]["RequestId"]
    return None, body.decode(), response["ResponseMetadata"]["RequestId"]


def outcome(client, function, case, event, **settings):
    """What a caller sees, without what differs between two invocations, and where a trace leads through the
    bootstrap or the interpreter's own library, which are not the function's."""
    call = streamed if case.name.startswith("nodejs-stream") else buffered
    error, text, request_id = call(client, function, event, **settings)
    for pattern, stands_for in (
        (re.escape(request_id), "<id>"), (re.escape(function), "<function>"), (r"\]\w{32}", "]<environment>"),
        (r"Root=1-[\w=;:-]+", "<trace>"), ("/var/task/node_modules/aws-lambda-ric/dist/", "/var/runtime/"),
        (r"at Runtime\.handler \(([^)]+)\)", r"at \1"), (r"\(\S+/os\.py\)", "(os.py)"),
        (r"repeated \d+ more times", "repeated"),
    ):
        text = re.sub(pattern, stands_for, text)
    try:
        document = json.loads(text)
    except ValueError:
        return error, text
    if isinstance(document, dict):
        for member in DIFFERENT_MEMBERS.get(case.name, ()):
            del document[member]
        for member, is_frame in (("stackTrace", '  File "'), ("trace", "    at ")):
            if error and member in document:
                document[member] = [line for line in document[member]
                                    if not line.startswith(is_frame) or is_of_the_function(line)]
    return error, document


def is_of_the_function(frame):
    return "/var/task/" in frame and not re.search("/awslambdaric/|/aws-lambda-ric/", frame)


def shorten(ours, theirs, case):
    """Our outcome with a trace as long as theirs where ours says more."""
    if case.name in LONGER_TRACE:
        error, document = ours
        assert len(document["trace"]) > len(theirs[1]["trace"])
        return error, document | {"trace": document["trace"][:len(theirs[1]["trace"])]}
    return ours


def compare(client, runtime, version, files, case):
    """Invokes a case's function on Hearth's bootstrap and on AWS's client with each of its events."""
    if case.name in DIFFERENT:
        pytest.skip(f"differs by design: {DIFFERENT[case.name]}")
    if not case.suits(version):
        pytest.skip(f"not for {version}")
    settings = {"Timeout": 30, "MemorySize": 256, "Environment": {"Variables": case.environment}}
    ours = create(client, bundle(case.code), runtime=runtime, handler=case.handler, **settings)
    theirs = create(client, bundle(files | case.code), runtime="provided.al2023", handler=case.handler, **settings)
    left_out = DIFFERENT_EVENTS.get(case.name, {})
    events = [(event, context) for event, context in case.events if not (isinstance(event, str) and event in left_out)]
    if not events:
        pytest.skip("the API takes none of its events")
    for event, context in events:
        more = {"ClientContext": base64.b64encode(context.encode()).decode()}
        expected = outcome(client, theirs, case, event, **more)
        assert shorten(outcome(client, ours, case, event, **more), expected, case) == expected, event


@pytest.mark.parametrize("case", cases_of("python"), ids=lambda case: case.name)
def test_the_client_for_python_answers_as_hearth(client, python_client, case):
    version, files = python_client
    compare(client, f"python{version}", version, files, case)


@pytest.mark.timeout(BUILD_SECONDS + 60)
@pytest.mark.parametrize("case", cases_of("nodejs"), ids=lambda case: case.name)
def test_the_client_for_nodejs_answers_as_hearth(client, node_client, case):
    version, files = node_client
    compare(client, f"nodejs{version.split('.')[0]}.x", version, files, case)


@pytest.fixture(scope="module")
def rust_bootstrap():
    """The bootstrap of `rust-bootstrap`, built once."""
    if not shutil.which("cargo"):
        pytest.skip("cargo is not installed")
    target = ROOT / "target/e2e-rust"
    built = subprocess.run(
        ["cargo", "build", "--locked", "--quiet", "--target-dir", str(target)], cwd=ROOT / "tests/e2e/rust-bootstrap",
        capture_output=True, text=True, timeout=540,
    )
    assert built.returncode == 0, built.stderr
    return (target / "debug/bootstrap").read_bytes()


def rust(client, bootstrap, handler):
    return create(client, bundle({"bootstrap": bootstrap}), runtime="provided.al2023", handler=handler, Timeout=10)


def test_the_crate_for_rust_answers_again_and_again(client, rust_bootstrap):
    function = rust(client, rust_bootstrap, "greet")
    for command in ("first", "second"):
        answer = invoke(client, function, {"command": command})
        assert answer.payload == {
            "request_id": answer.request_id, "function": function, "message": f"Command {command} executed.",
        }
    failed = invoke(client, function, {"command": "fail"})
    assert (failed.error, failed.payload["errorMessage"]) == ("Unhandled", "the command failed")
    panicked = invoke(client, function, {"command": "panic"})
    assert panicked.error == "Unhandled" and "the command panicked" in panicked.payload["errorMessage"]
    malformed = invoke(client, function, {"order": 1})
    assert malformed.error == "Unhandled" and "missing field `command`" in malformed.payload["errorMessage"]
    assert invoke(client, function, {"command": "last"}).error is None


def test_the_crate_for_rust_streams(client, rust_bootstrap):
    function = rust(client, rust_bootstrap, "count")
    begun = time.monotonic()
    response = client.invoke_with_response_stream(FunctionName=function, Payload=b'{"command":"count"}')
    parts = [(event["PayloadChunk"]["Payload"], time.monotonic() - begun)
             for event in response["EventStream"] if "PayloadChunk" in event]
    prelude, body = b"".join(part for part, _ in parts).split(b"\0" * 8)
    assert (json.loads(prelude)["statusCode"], body) == (200, b"1 2 3")
    assert parts[-1][1] - parts[0][1] > 0.4
