# Makes namespaces of its own, or enters others.
import ctypes
import os
import signal
from attack import call, in_child, refused

FLAGS = {
    "user": 0x10000000, "pid": 0x20000000, "net": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000,
    "mnt": 0x00020000, "cgroup": 0x02000000, "time": 0x00000080,
}


def clone(flags):
    """Forks into a namespace; the child only ends."""
    pid = call("clone", flags | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return f"made process {pid}"


def clone3(flags):
    arguments = (ctypes.c_uint64 * 11)(flags, 0, 0, 0, signal.SIGCHLD)
    pid = call("clone3", arguments, ctypes.sizeof(arguments))
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return f"made process {pid}"


for name, flag in FLAGS.items():
    refused(f"unshare {name}", lambda: in_child(lambda: call("unshare", flag)))
    refused(f"unshare {name} and user", lambda: in_child(lambda: call("unshare", flag | FLAGS["user"])))
    refused(f"clone3 {name}", lambda: clone3(flag))
    if name != "time":
        refused(f"clone {name}", lambda: clone(flag))
        refused(f"clone {name} and user", lambda: clone(flag | FLAGS["user"]))
    for pid in [1, "self"]:
        refused(f"enter {name} of {pid}",
                lambda: in_child(lambda: call("setns", os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY), 0)))
refused("enter by process descriptor", lambda: in_child(lambda: call("setns", call("pidfd_open", os.getpid(), 0), FLAGS["mnt"])))
refused("clone into a control group", lambda: clone3(0x200000000))
