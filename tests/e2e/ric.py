"""npm's `aws-lambda-ric`, AWS's runtime client for Node.js. Half of it is C++ that is compiled when it is installed,
which takes minutes: only where HEARTH_E2E_RIC is set, once below the target folder."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from server import ROOT, clean_environment

# The last that takes callbacks, as AWS's runtimes before nodejs24.x do.
PACKAGE = "aws-lambda-ric@3.3.0"
TOOLS = ("node", "npm", "cmake", "make", "g++", "autoreconf", "libtoolize", "python3")
FOLDER = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "test-ric"
NATIVE = "dist/rapid-client.node"


def install(seconds):
    """Builds the package unless it is there; returns its folder."""
    if not os.environ.get("HEARTH_E2E_RIC"):
        pytest.skip("building aws-lambda-ric takes minutes: set HEARTH_E2E_RIC=1")
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        pytest.skip(f"aws-lambda-ric cannot be built without {', '.join(missing)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    package = FOLDER / "node_modules/aws-lambda-ric"
    with open(FOLDER / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (package / NATIVE).exists():
            (FOLDER / "package.json").write_text('{"private": true}')
            subprocess.run(
                ["npm", "install", PACKAGE, "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"],
                cwd=FOLDER, check=True, timeout=seconds, env=clean_environment(npm_config_nodedir=_headers()),
            )
    return package


def _headers():
    """Where the headers of the installed Node.js are; node-gyp would fetch them from elsewhere."""
    prefix = Path(shutil.which("node")).resolve().parents[1]
    if not (prefix / "include/node/node_api.h").exists():
        pytest.skip(f"aws-lambda-ric cannot be built without the headers of Node.js in {prefix}/include/node")
    return prefix


def files(seconds):
    """What of the package a function needs, with a bootstrap, by name."""
    package = install(seconds)
    needed = ("package.json", "bin/index.mjs", "dist/index.mjs", NATIVE)
    start = '#!/bin/sh\nexec /usr/bin/node node_modules/aws-lambda-ric/bin/index.mjs "$_HANDLER"\n'
    bootstrap = {"bootstrap": start.encode()}
    return bootstrap | {f"node_modules/aws-lambda-ric/{name}": (package / name).read_bytes() for name in needed}
