# Uses descriptors that it inherited or that others passed around.
import os
import socket
from attack import holds, refused

holds("only the known ones are inherited", [n for n in FACTS["inherited"] if n > 3] in ([], [4]), FACTS["inherited"])
for number in range(4):
    target = os.readlink(f"/proc/self/fd/{number}")
    known = target == "/dev/null" or target.startswith(("pipe:", "socket:"))
    holds(f"descriptor {number} leads nowhere", known, target)
for number in range(64):
    try:
        os.fstat(number)
    except OSError:
        continue
    for path in ["..", "etc/shadow", "proc/1/root"]:
        refused(f"{path} through descriptor {number}", lambda: os.open(path, os.O_RDONLY, dir_fd=number))
refused("reopen the control socket", lambda: os.open("/proc/self/fd/3", os.O_RDWR))
control = socket.socket(fileno=os.dup(3))
control.setblocking(False)
ancillary = []
try:
    _, ancillary, _, _ = control.recvmsg(1, 4096, socket.MSG_PEEK)
except BlockingIOError:
    pass
holds("no descriptor waits in the control socket", ancillary == [], ancillary)
