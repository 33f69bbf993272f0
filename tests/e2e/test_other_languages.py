"""Languages without an interpreter of Hearth's: programs for the Runtime API, on what the base has of the language."""

import os
import shutil
import subprocess

import pytest

from bootstraps import deploy
from functions import invoke
from server import ROOT, clean_environment

PROGRAMS = ROOT / "tests/e2e/programs"
BUILD_SECONDS = 170

pytestmark = pytest.mark.every_tier


def needs_base(program):
    if not os.path.realpath(program).startswith("/usr/") or not os.path.exists(program):
        pytest.skip(f"the base has no {program}")


def answers(client, function):
    """Invokes a function twice; returns the version of the language it runs on."""
    for number in range(2):
        answer = invoke(client, function, {"a": number})
        assert (answer.error, answer.payload["event"]) == (None, {"a": number}), answer.log
    return answer.payload["version"]


def test_a_java_of_the_base_runs(client):
    needs_base("/usr/bin/java")
    files = {
        "bootstrap": "#!/bin/sh\nexec /usr/bin/java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 Bootstrap.java\n",
        "Bootstrap.java": (PROGRAMS / "Bootstrap.java").read_bytes(),
    }
    assert int(answers(client, deploy(client, files, MemorySize=1024, Timeout=60))) >= 11


def test_a_ruby_of_the_base_runs(client):
    needs_base("/usr/bin/ruby")
    files = {
        "bootstrap": "#!/bin/sh\nexec /usr/bin/ruby bootstrap.rb\n",
        "bootstrap.rb": (PROGRAMS / "bootstrap.rb").read_bytes(),
    }
    assert answers(client, deploy(client, files, MemorySize=256, Timeout=30))


def test_a_go_program_runs(client, tmp_path):
    if not shutil.which("go"):
        pytest.skip("go is not installed")
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    environment = clean_environment(CGO_ENABLED=0, GOCACHE=f"{target}/e2e-go", GOTOOLCHAIN="local")
    command = ["go", "build", "-o", tmp_path / "bootstrap", PROGRAMS / "bootstrap.go"]
    subprocess.run(command, check=True, timeout=BUILD_SECONDS, env=environment, cwd=tmp_path)
    function = deploy(client, {"bootstrap": (tmp_path / "bootstrap").read_bytes()}, MemorySize=256, Timeout=30)
    assert answers(client, function).startswith("go")
