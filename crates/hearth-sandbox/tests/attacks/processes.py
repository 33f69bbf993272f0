# Sees, signals, traces and changes processes that are not its own.
import os
import signal
from attack import call, ctypes, holds, read, refused, refused_call

PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206

pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
holds("only init and the interpreter are there", pids == [1, os.getpid()], pids)
for pid in [1, FACTS["host_pid"], FACTS["warden_pid"]]:
    for number in [0, signal.SIGTERM, signal.SIGKILL]:
        refused(f"send {number} to {pid}", lambda: os.kill(pid, number))
    if pid != 1 or FACTS["tier"] != "rootless":
        # In the tier rootless its own init is the same user's, and all it does is wait.
        refused(f"renice {pid}", lambda: os.setpriority(os.PRIO_PROCESS, pid, 19))
        refused(f"move {pid} to another processor", lambda: os.sched_setaffinity(pid, {0}))
    refused(f"trace {pid}", lambda: call("ptrace", PTRACE_ATTACH, pid, 0, 0))
    refused(f"seize {pid}", lambda: call("ptrace", PTRACE_SEIZE, pid, 0, 0))
    buffer = ctypes.create_string_buffer(16)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 16)
    refused(f"read memory of {pid}", lambda: call("process_vm_readv", pid, vector, 1, vector, 1, 0))
    refused(f"write memory of {pid}", lambda: call("process_vm_writev", pid, vector, 1, vector, 1, 0))
    refused(f"compare with {pid}", lambda: call("kcmp", os.getpid(), pid, 0, 0, 0))


def signal_by_descriptor():
    descriptor = call("pidfd_open", 1, 0)
    return call("pidfd_send_signal", descriptor, signal.SIGKILL, 0, 0)


def steal_descriptor():
    descriptor = call("pidfd_open", 1, 0)
    return call("pidfd_getfd", descriptor, 0, 0)


refused("signal init by descriptor", signal_by_descriptor)
refused("take a descriptor of init's", steal_descriptor)
refused("signal everybody", lambda: os.kill(-1, 0))
holds("init survived", read("/proc/1/comm") != b"")
refused("trace itself", lambda: call("ptrace", 0, 0, 0, 0))
refused_call("pidfd_getfd", 3, 0, 0)
