# Mounts, unmounts and moves the root.
import os
from attack import call, holds, read, refused_call

ROOTLESS = FACTS["tier"] == "rootless"
MS_BIND, MS_REMOUNT, MS_REC, MS_PRIVATE, MNT_DETACH = 4096, 32, 16384, 1 << 18, 2
CWD = -100

os.makedirs("/tmp/a", exist_ok=True)
refused_call("mount", b"none", b"/tmp/a", b"tmpfs", 0, 0)
refused_call("mount", b"/", b"/tmp/a", 0, MS_BIND | MS_REC, 0)
refused_call("mount", b"none", b"/", 0, MS_REMOUNT, 0)
refused_call("mount", b"none", b"/var/task", 0, MS_REMOUNT | MS_BIND, 0)
refused_call("mount", b"proc", b"/tmp/a", b"proc", 0, 0)
refused_call("mount", b"none", b"/", 0, MS_PRIVATE | MS_REC, 0)
for place in [b"/proc", b"/var/task", b"/usr/local", b"/dev", b"/tmp", b"/"]:
    refused_call("umount2", place, MNT_DETACH)
refused_call("pivot_root", b"/tmp", b"/tmp/a")
refused_call("chroot", b"/tmp")
refused_call("fsopen", b"tmpfs", 0)
refused_call("open_tree", CWD, b"/", 1)
refused_call("move_mount", CWD, b"/tmp", CWD, b"/opt", 0)
refused_call("mount_setattr", CWD, b"/", 0, b"\0" * 32, 32)
refused_call("listmount", b"\0" * 32, b"\0" * 64, 8, 0)
for line in read("/proc/self/mountinfo").decode().splitlines():
    fields = line.split(" ")
    place, options = fields[4], fields[5].split(",")
    holds(f"{place} has no set-user-ID programs", "nosuid" in options, line)
    # Where devices cannot be made, those of the host are mounted.
    device = place in {f"/dev/{name}" for name in ["null", "zero", "full", "random", "urandom"]}
    holds(f"{place} has no devices", "nodev" in options or place == "/dev" or (device and ROOTLESS), line)
    holds(f"{place} is read-only", "ro" in options or place in ("/tmp", "/dev/shm"), line)
