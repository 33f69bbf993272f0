"""AWS's own runtime clients as custom runtimes: for Python beside Hearth's bootstrap, for Rust."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from bootstraps import bundle
from functions import create, invoke
from server import ROOT

CASES = sorted((ROOT / "cases/runtimes").glob("python-*"))
PYTHON = "/usr/bin/python3"
# What the API takes.
LARGEST = 6 * 1024 * 1024
# Cases whose answer differs, and why.
DIFFERENT = {
    "python-interpreter": "asks for the interpreter's own place",
    "python-search-path": "asks for the search path, which names the client's folder",
    "python-descriptors": "asks for the descriptors of the bootstrap",
    "python-variables": "asks for all variables",
    "python-import-name": "the text names the interpreter's folder",
    "python-error-huge": "Hearth leaves the traceback of a huge error out, and prints its text whole",
}
# Events whose answer differs.
UNPRINTABLE = "unprintable"  # An error without a text ends the client.


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


@pytest.fixture(scope="module")
def client_files():
    if not os.path.exists(PYTHON):
        pytest.skip(f"the base has no {PYTHON}")
    version = subprocess.run([PYTHON, "-c", "import sys; print(*sys.version_info[:2], sep='.')"],
                             capture_output=True, text=True, check=True).stdout.strip()
    files = installed("awslambdaric", ("simplejson", "snapshot-restore-py"))
    native = [name for name in files if re.match(r"runtime_client\.cpython-\d+", name)]
    if not any(f"cpython-{version.replace('.', '')}-" in name for name in native):
        pytest.skip(f"awslambdaric is not installed for {PYTHON}, which is {version}")
    files["bootstrap"] = f'#!/bin/sh\nexec {PYTHON} -m awslambdaric "$_HANDLER"\n'.encode()
    return version, files


def outcome(client, function, event):
    """What a caller sees, without what differs between two invocations, and where a traceback leads through the
    bootstrap or the interpreter's own library, which are not the function's."""
    answer = invoke(client, function, event)
    text = re.sub(r"\]\w{32}", "]<environment>", answer.raw.decode().replace(answer.request_id, "<id>"))
    text = text.replace(function, "<function>")
    try:
        document = json.loads(text)
    except ValueError:
        return answer.error, text
    if answer.error and "stackTrace" in document:
        document["stackTrace"] = [line for line in document["stackTrace"]
                                  if line.startswith('  File "/var/task/') and "/awslambdaric/" not in line]
    return answer.error, document


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_client_for_python_answers_as_hearth(client, client_files, case):
    if case.name in DIFFERENT:
        pytest.skip(f"differs by design: {DIFFERENT[case.name]}")
    version, files = client_files
    wanted = json.loads((case / "case.json").read_text())
    releases = wanted.get("versions", {})
    release = tuple(map(int, version.split(".")))
    bounds = [tuple(map(int, releases.get(end, default).split("."))) for end, default in (("from", "0.0"), ("to", "9.9"))]
    if not bounds[0] <= release <= bounds[1]:
        pytest.skip(f"not for Python {version}")
    code = {str(path.relative_to(case)): path.read_bytes() for path in case.rglob("*")
            if path.is_file() and path.name not in ("case.json", "expected.json")}
    settings = {"Timeout": 30, "MemorySize": 256, "Environment": {"Variables": wanted.get("environment", {})}}
    ours = create(client, bundle(code), runtime=f"python{version}", handler=wanted["handler"], **settings)
    theirs = create(client, bundle(files | code), runtime="provided.al2023", handler=wanted["handler"], **settings)
    for event in wanted.get("events", [{"event": {}}]):
        if "text" in event:
            continue
        value = "x" * event["size"] if "size" in event else event.get("event")
        if value == UNPRINTABLE or len(json.dumps(value)) > LARGEST:
            continue
        assert outcome(client, theirs, value) == outcome(client, ours, value), event


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
