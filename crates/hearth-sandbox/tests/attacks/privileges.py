# Becomes another user or gains capabilities.
import ctypes
import os
import shutil
import subprocess
from attack import call, holds, in_child, refused, status

PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, PR_SET_SECUREBITS, PR_SET_KEEPCAPS = 47, 2, 28, 8
CAP_SYS_ADMIN = 21

line = status()
for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]:
    holds(f"{name} is empty", int(line[name], 16) == 0, line[name])
holds("no new privileges", line["NoNewPrivs"] == "1", line["NoNewPrivs"])
holds("system calls are filtered", line["Seccomp"] == "2", line["Seccomp"])
holds("no root", 0 not in map(int, line["Uid"].split() + line["Gid"].split()), (line["Uid"], line["Gid"]))
holds("no other groups", os.getgroups() == [], os.getgroups())
for name in ["setuid", "setgid", "seteuid", "setegid"]:
    refused(f"{name} 0", lambda: getattr(os, name)(0))
    refused(f"{name} another", lambda: getattr(os, name)(os.getuid() + 1))
refused("setresuid", lambda: os.setresuid(0, 0, 0))
refused("setgroups", lambda: os.setgroups([0]))
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
data = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
refused("capset", lambda: call("capset", header, data))
refused("raise an ambient capability", lambda: call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0))
refused("change the secure bits", lambda: call("prctl", PR_SET_SECUREBITS, 0, 0, 0, 0))
refused("keep capabilities", lambda: call("prctl", PR_SET_KEEPCAPS, 1, 0, 0, 0))


def as_root(*command):
    """Runs a program that should make us root."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=10)
    if "uid=0" not in done.stdout:
        raise OSError(f"{command[0]} said {done.stderr or done.stdout!r}")
    return done.stdout


for command in [("su", "-c", "id"), ("sudo", "-n", "id"), ("pkexec", "id"), ("newgrp", "root"),
                ("unshare", "-Ur", "id"), ("setpriv", "--reuid=0", "id"), ("nsenter", "-t", "1", "-a", "id")]:
    refused(" ".join(command), lambda: as_root(*command))


def set_user_id_copy():
    shutil.copy("/usr/bin/id", "/tmp/id")
    os.chmod("/tmp/id", 0o6755)
    return as_root("/tmp/id")


refused("a set-user-ID program of its own", set_user_id_copy)
refused("write a file capability", lambda: os.setxattr("/tmp/id", "security.capability", bytes(20)))
refused("give a file to root", lambda: os.chown("/tmp/id", 0, 0))
refused("a child as root", lambda: in_child(lambda: os.setuid(0)))
holds("a child is filtered too", subprocess.run(
    ["/usr/bin/grep", "-c", "^Seccomp:\t2", "/proc/self/status"], capture_output=True).stdout == b"1\n")
