"""Servers and clients for the tests. Without root the sandbox tier cannot start, and the tests that need it
are skipped with the reason."""

import os
import shutil

import pytest

from npm import Npm
from server import BINARY, Server


def pytest_configure(config):
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} is missing; build it with `cargo build` or name another in HEARTH_BIN")


@pytest.fixture(scope="session")
def sandbox_tier():
    if os.geteuid() != 0:
        pytest.skip("the sandbox tier needs root; run the tests with sudo to include this one")


@pytest.fixture(scope="module")
def server(sandbox_tier):
    with Server() as running:
        yield running.start()


@pytest.fixture
def make_server(sandbox_tier):
    """Starts servers that end with the test."""
    running = []

    def make(**settings):
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
