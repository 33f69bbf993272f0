"""The limit: how many messages processes of the same interpreters answer over unix sockets, with nothing else between.
The program that asks is in `pingpong/`."""

import json
import subprocess

from hearth import ROOT
from peers import Unavailable, install_by
from wrk import Load

SOURCE = ROOT / "bench/pingpong"
ANSWERS = {"Node.js": ["answer.js"], "Python": ["-I", "-S", "answer.py"]}


class Limit:
    def __init__(self, cache):
        self.target = cache / "pingpong"

    def ensure_built(self):
        install_by(["cargo", "build", "--release", "--locked", "--quiet"], SOURCE, CARGO_TARGET_DIR=str(self.target))

    def measure(self, language, interpreter, processes, seconds):
        """One message in flight to each of so many processes."""
        *flags, script = ANSWERS[language]
        command = [self.target / "release/pingpong", str(seconds), str(processes), interpreter, *flags, SOURCE / script]
        ended = subprocess.run(command, capture_output=True, text=True)
        if ended.returncode:
            raise Unavailable(f"pingpong failed: {ended.stderr.strip()[-200:]}")
        told = json.loads(ended.stdout)
        return Load(told["per_second"], told["p50_us"], told["p99_us"], 0)
