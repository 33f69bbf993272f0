"""A folder with the npm packages of package.json, installed once below the target folder and shared by all tests."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from server import ROOT, clean_environment

WANTED = Path(__file__).with_name("package.json")
FOLDER = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "test-npm"
INSTALL_SECONDS = 170
RUN_SECONDS = 120


def install():
    """Installs what package.json wants, unless it is there; returns the folder that has node_modules."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = FOLDER / "installed.json"
        if not done.exists() or done.read_text() != WANTED.read_text():
            shutil.copy(WANTED, FOLDER / "package.json")
            subprocess.run(
                ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"],
                cwd=FOLDER, check=True, timeout=INSTALL_SECONDS,
            )
            shutil.copy(WANTED, done)
    return FOLDER


class Npm:
    """Runs programs that import the installed packages."""

    def __init__(self, folder):
        self.packages = install()
        self.folder = Path(folder)
        (self.folder / "node_modules").symlink_to(self.packages / "node_modules")

    def run(self, program, server):
        """Runs an ES module against a server, as any account, and returns what it prints."""
        file = self.folder / "program.mjs"
        file.write_text(program)
        environment = clean_environment(
            AWS_ENDPOINT_URL=server.endpoint, AWS_REGION="us-east-1",
            AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test",
        )
        done = subprocess.run(
            ["node", file], capture_output=True, text=True, timeout=RUN_SECONDS, env=environment, cwd=self.folder
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


if __name__ == "__main__":
    install()
