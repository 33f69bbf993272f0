"""The tier of isolation that the tests' servers have.

`HEARTH_E2E_TIER` names it; without it root tests `sandbox` and everybody else `rootless`. Root starts the servers of
the other tiers as the user nobody.
"""

import atexit
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

TIER = os.environ.get("HEARTH_E2E_TIER") or ("sandbox" if os.geteuid() == 0 else "rootless")
NOBODY = 65534
AS_NOBODY = TIER != "sandbox" and os.geteuid() == 0


# How a function in Python finds what is /opt behind walls.
OPT = 'os.environ["LAMBDA_TASK_ROOT"].removesuffix("/var/task") + "/opt"'


def named_as_on_aws(text):
    """What a function or Hearth printed, with the names that places have behind walls."""
    if TIER != "process":
        return text
    text = re.sub(r"/[^\s:\"']*/e\d+(?=/(?:opt|tmp|var)\b)", "", text)
    return re.sub(r"/[^\s:\"']*/blobs/trees/[0-9a-f]{64}", "/var/task", text)


def process_options():
    """What makes a process the right user's, for subprocess."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if AS_NOBODY else {}


def give(directory):
    """Gives an empty directory to the user of the servers."""
    if AS_NOBODY:
        os.chown(directory, NOBODY, NOBODY)


def reachable(binary):
    """The binary, or a copy of it where the user of the servers can execute it."""
    folders_open = all(folder.stat().st_mode & stat.S_IXOTH for folder in binary.resolve().parents)
    if not AS_NOBODY or folders_open:
        return binary
    directory = Path(tempfile.mkdtemp(prefix="hearth-e2e-bin-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    directory.chmod(0o755)
    return Path(shutil.copy(binary, directory))
