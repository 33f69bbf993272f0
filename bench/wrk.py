"""The load generator, wrk, and what it says."""

import dataclasses
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

# wrk's own text rounds and has no 99.9th percentile; its script hook has the exact numbers.
SCRIPT = """
wrk.method = "POST"
wrk.body = '%s'
wrk.headers["Content-Type"] = "application/json"
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests":%%d,"seconds":%%f,"failed":%%d,"p50_us":%%d,"p99_us":%%d}\\n', summary.requests,
    summary.duration / 1e6, errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""
EVENT = '{"n":1}'


@dataclasses.dataclass
class Load:
    """What one run of wrk met."""

    per_second: float
    p50_us: float
    p99_us: float
    failed: int


def ensure_installed():
    """Installs wrk where a Debian-like machine has none."""
    if not shutil.which("wrk"):
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "wrk"], check=True)


def parse(output):
    """The numbers of the script above, in the last line of what wrk prints."""
    told = json.loads(output.strip().splitlines()[-1])
    return Load(told["requests"] / told["seconds"], told["p50_us"], told["p99_us"], told["failed"])


def load(url, connections, seconds, event=EVENT):
    """POSTs `event` over so many connections for so long. One thread of wrk's is faster than any server here."""
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as directory:
        script = Path(directory, "post.lua")
        script.write_text(SCRIPT % event)
        told = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), url],
            capture_output=True, text=True, check=True,
        )
    return parse(told.stdout)
