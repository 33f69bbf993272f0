"""What attacks are written with. An attack prints a line for every attempt: OK if it failed, ESCAPED if it worked."""
import ctypes
import os
import platform
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)

# Numbers of the system calls that Python has no function for.
NUMBERS = {
    "x86_64": {
        "acct": 163, "add_key": 248, "bpf": 321, "capset": 126, "chroot": 161, "clock_settime": 227, "clone": 56,
        "clone3": 435, "fanotify_init": 300, "finit_module": 313, "fsopen": 430, "init_module": 175, "ioperm": 173,
        "io_uring_setup": 425, "iopl": 172, "kcmp": 312, "kexec_load": 246, "keyctl": 250, "listmount": 458,
        "mknod": 133, "mount": 165, "mount_setattr": 442, "move_mount": 429, "name_to_handle_at": 303,
        "open_by_handle_at": 304, "open_tree": 428, "perf_event_open": 298, "personality": 135,
        "pidfd_getfd": 438, "pidfd_open": 434, "pidfd_send_signal": 424, "pivot_root": 155, "prctl": 157,
        "process_vm_readv": 310, "process_vm_writev": 311, "ptrace": 101, "quotactl": 179, "reboot": 169,
        "request_key": 249, "setdomainname": 171, "sethostname": 170, "setns": 308, "settimeofday": 164,
        "swapon": 167, "syncfs": 306, "syslog": 103, "umount2": 166, "unshare": 272, "userfaultfd": 323,
    },
    "aarch64": {
        "acct": 89, "add_key": 217, "bpf": 280, "capset": 91, "chroot": 51, "clock_settime": 112, "clone": 220,
        "clone3": 435, "fanotify_init": 262, "finit_module": 273, "fsopen": 430, "init_module": 105,
        "io_uring_setup": 425, "kcmp": 272, "kexec_load": 104, "keyctl": 219, "listmount": 458, "mount": 40,
        "mount_setattr": 442, "move_mount": 429, "name_to_handle_at": 264, "open_by_handle_at": 265,
        "open_tree": 428, "perf_event_open": 241, "personality": 92, "pidfd_getfd": 438, "pidfd_open": 434,
        "pidfd_send_signal": 424, "pivot_root": 41, "prctl": 167, "process_vm_readv": 270,
        "process_vm_writev": 271, "ptrace": 117, "quotactl": 60, "reboot": 142, "request_key": 218,
        "setdomainname": 162, "sethostname": 161, "setns": 268, "settimeofday": 170, "swapon": 224,
        "syncfs": 267, "syslog": 116, "umount2": 39, "unshare": 97, "userfaultfd": 282,
    },
}[platform.machine()]


def report(safe, what, detail):
    print("OK" if safe else "ESCAPED", f"{what}: {str(detail)[:200]}", flush=True)


def refused(what, attempt):
    """The attempt must raise an error of the operating system."""
    try:
        report(False, what, attempt())
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        report(True, what, error)


def holds(what, truth, detail=""):
    """The statement must be true."""
    report(truth, what, detail)


def call(name, *arguments):
    """Makes a system call; raises its error. Unknown on this machine counts as refused."""
    if name not in NUMBERS:
        raise OSError(f"{platform.machine()} has no {name}")
    return call_number(NUMBERS[name], *arguments)


def call_number(number, *arguments):
    ctypes.set_errno(0)
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *converted)
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def refused_call(name, *arguments):
    """The system call must fail."""
    refused(name, lambda: call(name, *arguments))


def in_child(attempt):
    """Makes the attempt in a process of its own; gives 0 where it worked."""
    pid = os.fork()
    if pid == 0:
        try:
            attempt()
            os._exit(0)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    if status != 0:
        raise OSError(f"the child ended with status {status}")
    return 0


def read(path):
    with open(path, "rb") as file:
        return file.read(4096)


def write(path, content=b"x"):
    with open(path, "wb") as file:
        file.write(content)
    return f"wrote {path}"


def status():
    """The lines of /proc/self/status."""
    with open("/proc/self/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
