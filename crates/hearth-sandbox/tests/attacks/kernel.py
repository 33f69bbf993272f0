# Calls parts of the kernel that functions have no use for, and that had holes before.
import fcntl
import os
import platform
from attack import NUMBERS, call_number, holds, refused, refused_call

TIOCSTI, TIOCLINUX = 0x5412, 0x541C

for name, arguments in {
    "acct": (0,), "add_key": (b"user", b"name", b"value", 5, -3), "bpf": (5, b"\0" * 128, 128),
    "clock_settime": (0, b"\0" * 16), "fanotify_init": (0, 0), "finit_module": (0, b"", 0),
    "init_module": (b"", 0, b""), "io_uring_setup": (8, b"\0" * 120), "ioperm": (0x80, 1, 1), "iopl": (3,),
    "kexec_load": (0, 0, 0, 0), "keyctl": (0, -3, 1), "name_to_handle_at": (-100, b"/", b"\0" * 64, b"\0" * 8, 0),
    "open_by_handle_at": (-100, b"\0" * 16, 0), "perf_event_open": (b"\0" * 128, 0, -1, -1, 0),
    "personality": (0x40000,), "quotactl": (0x800002, b"/dev/vda", 0, 0), "reboot": (0, 0, 0, 0),
    "request_key": (b"user", b"name", 0, -3), "setdomainname": (b"x", 1), "sethostname": (b"x", 1),
    "settimeofday": (b"\0" * 16, 0), "swapon": (b"/tmp/x", 0), "syncfs": (0,), "syslog": (3, b"\0" * 64, 64),
    "userfaultfd": (0,),
}.items():
    refused_call(name, *arguments)
for request in [TIOCSTI, TIOCLINUX, 1 << 32 | TIOCSTI]:
    refused(f"ioctl {request:#x}", lambda: call_number(16 if platform.machine() == "x86_64" else 29, 0, request, b"x"))
if platform.machine() == "x86_64":
    for name in ["mount", "ptrace", "unshare", "bpf", "keyctl"]:
        refused(f"{name} by its x32 number", lambda: call_number(0x40000000 | NUMBERS[name], 0, 0, 0, 0, 0))
for number in [*range(500, 1000, 50), 0xFFFFFFFF]:
    refused(f"unknown call {number}", lambda: call_number(number, 0, 0, 0, 0, 0))
holds("what is not filtered works", os.getpid() > 1 and fcntl.fcntl(0, fcntl.F_GETFL) >= 0)
