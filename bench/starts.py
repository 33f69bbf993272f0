"""Cold starts, each beside a start of the bare interpreter in the same moment."""

import subprocess
import time

from hearth import FUNCTIONS, first
from peers import install_by, npm

SDK = "@aws-sdk/client-s3@3.1175.0"
BUNDLER = "esbuild@0.28.2"
# A client is made, as functions do it, outside of the handler.
SDK_CODE = """
const { S3Client } = require('@aws-sdk/client-s3');
const client = new S3Client({ region: 'us-east-1' });
exports.handler = async (event) => (client ? event : null);
"""
# Without site, which runs what a machine's packages have put there.
NOTHING = {"Node.js": ["-e", "0"], "Python": ["-I", "-S", "-c", "pass"]}


def clean(*command):
    """How long a program takes from its start to its end, with nothing in its environment; milliseconds."""
    begun = time.perf_counter()
    subprocess.run(command, env={}, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - begun) * 1000


def cold_and_clean(server, language, interpreter, rounds, pause):
    """Cold starts of a function that returns its event, and starts of its interpreter that does nothing, alternating."""
    cold, bare = [], []
    for number in range(rounds):
        cold.append(first(server, f"cold-{number}", FUNCTIONS[language], pause=pause))
        bare.append(clean(interpreter, *NOTHING[language]))
    return cold, bare


class Bundle:
    """A function with a client of the AWS SDK for JavaScript, bundled into one file."""

    def __init__(self, cache):
        self.installed = cache / f"sdk-{SDK.rpartition('@')[2]}"
        self.file = self.installed / "bundle.js"

    def ensure_built(self):
        if self.file.exists():
            return
        self.installed.mkdir(parents=True, exist_ok=True)
        npm(self.installed, SDK, BUNDLER)
        self.installed.joinpath("index.js").write_text(SDK_CODE)
        install_by([str(self.installed / "node_modules/.bin/esbuild"), "index.js", "--bundle", "--platform=node", "--minify",
                    f"--outfile={self.file.name}"], self.installed)

    def cold_and_clean(self, server, interpreter, rounds, pause):
        """Cold starts of code the server has seen before, of code it has not, and starts of Node.js that require the
        same file, alternating."""
        code = self.file.read_text()
        known, new, bare = [], [], []
        first(server, "sdk", FUNCTIONS["Node.js"], {"index.js": code}, pause)
        for number in range(rounds):
            known.append(first(server, f"sdk-{number}", FUNCTIONS["Node.js"], {"index.js": code}, pause))
            changed = {"index.js": f"{code}\n// {number}\n"}
            new.append(first(server, f"sdk-new-{number}", FUNCTIONS["Node.js"], changed, pause))
            bare.append(clean(interpreter, "-e", f"require({str(self.file)!r})"))
        return known, new, bare
