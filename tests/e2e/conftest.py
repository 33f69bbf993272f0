"""Servers and clients for the tests. Where the tier of isolation that is tested does not work, the tests that need
it are skipped with the reason; in other tiers than `sandbox`, those that are not marked `every_tier` are, too, and in
the tier `process` those about walls."""

import json
import shutil
import subprocess

import pytest

from npm import Npm
from server import BINARY, Server, clean_environment
from tier import TIER, process_options


def pytest_configure(config):
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} is missing; build it with `cargo build` or name another in HEARTH_BIN")


def pytest_collection_modifyitems(items):
    if TIER != "sandbox":
        for item in items:
            if not item.get_closest_marker("every_tier"):
                item.add_marker(pytest.mark.skip(reason=f"not for the tier {TIER}"))
            elif TIER == "process" and item.get_closest_marker("walls"):
                item.add_marker(pytest.mark.skip(reason="is about walls, which the tier process does not have"))


@pytest.fixture(scope="session")
def sandbox_tier():
    """The tier that is tested works."""
    command = [str(BINARY), "doctor", "--json", "--isolation", TIER]
    done = subprocess.run(command, capture_output=True, text=True, env=clean_environment(), cwd="/",
                          **process_options())
    found = json.loads(done.stdout)
    if not found["tiers"][TIER]:
        missing = [f"{r['name']}: {r['advice']}" for r in found["requirements"] if r["needed"] and not r["met"]]
        pytest.skip(f"the tier {TIER} does not work here: {'; '.join(missing)}")


@pytest.fixture(scope="module")
def server(sandbox_tier):
    with Server() as running:
        yield running.start()


@pytest.fixture
def make_server(sandbox_tier):
    """Starts servers that end with the test."""
    running = []

    def make(**settings):
        if TIER == "process" and settings.get("mode") == "serve":
            pytest.skip("hearth serve refuses the tier process")
        made = Server(**settings)
        running.append(made)
        return made

    yield make
    for made in running:
        made.close()


@pytest.fixture(scope="module")
def client(server):
    return server.client()


@pytest.fixture(scope="module")
def logs(server):
    return server.client("logs")


@pytest.fixture(scope="module", params=["python", "node"])
def language(request):
    needed = {"python": "python3", "node": "node"}[request.param]
    if not shutil.which(needed):
        pytest.skip(f"{needed} is not installed")
    return request.param


@pytest.fixture
def npm(tmp_path):
    """Programs for Node.js that use packages of npm."""
    return Npm(tmp_path)
