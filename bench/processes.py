"""What the kernel says about the processes of a server: launcher, warden and server, and those of environments."""

import os
import re
from pathlib import Path

ROLES = ("launcher", "warden", "server")


def _stat(pid):
    """State and parent of a process."""
    # The name in parentheses may hold anything, parentheses too.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0], int(fields[1])


def everything():
    """State and parent of every process there is, by its number."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                found[int(entry)] = _stat(entry)
            except (FileNotFoundError, ProcessLookupError):
                pass
    return found


def below(ancestor, known=None):
    """All descendants of a process."""
    known = known or everything()
    children = {}
    for pid, (_, parent) in known.items():
        children.setdefault(parent, []).append(pid)
    found, next_ones = [], [ancestor]
    while next_ones:
        next_ones = [child for pid in next_ones for child in children.get(pid, ())]
        found += next_ones
    return found


def roles(launcher):
    """The numbers of launcher, warden and server."""
    found = {"launcher": launcher}
    for pid, (_, parent) in everything().items():
        if parent == launcher:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            found[command[1].decode()] = pid
    return {role: found[role] for role in ROLES}


def environments(launcher):
    """Every process below the warden."""
    return below(roles(launcher)["warden"])


def memory_mib(pid, kind="Rss"):
    """Resident (`Rss`) or proportional (`Pss`) memory; 0 of a process that has ended."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return int(re.search(rf"^{kind}:\s+(\d+)", told, re.M).group(1)) / 1024


def cpu_seconds(pid):
    """What all threads of a process have run, to the nanosecond; those that have ended do not count."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int(task.joinpath("schedstat").read_text().split()[0]) for task in tasks) / 1e9


def descriptors(pid):
    """What each open descriptor of a process leads to; of pipes and sockets, that they are such."""
    found = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.append(re.sub(r":\[\d+\]$", "", os.readlink(f"/proc/{pid}/fd/{number}")))
        except FileNotFoundError:
            pass
    return found


def mounts(pid):
    return len(Path(f"/proc/{pid}/mountinfo").read_text().splitlines())


def namespaces(pids):
    """How many namespaces these processes are in together."""
    found = set()
    for pid in pids:
        try:
            found.update(os.readlink(f"/proc/{pid}/ns/{kind}") for kind in os.listdir(f"/proc/{pid}/ns"))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return len(found)


def control_groups(warden):
    """How many control groups a warden's environments have, in all hierarchies."""
    prefix = f"hearth-warden-{warden}-"
    return sum(f"/{prefix}" in directory for directory, _, _ in os.walk("/sys/fs/cgroup"))
