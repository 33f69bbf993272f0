# Makes and opens device nodes.
import os
import stat
from attack import holds, refused

for directory in ["/tmp", "/dev/shm", "/dev"]:
    for name, kind, device in [("mem", stat.S_IFCHR, (1, 1)), ("disk", stat.S_IFBLK, (254, 0)),
                               ("null", stat.S_IFCHR, (1, 3))]:
        path = f"{directory}/own-{name}"
        refused(f"make {path}", lambda: os.mknod(path, kind | 0o666, os.makedev(*device)))
for name in ["mem", "kmem", "port", "kmsg", "kvm", "vda", "sda", "fuse", "net/tun", "ptmx", "tty", "console",
             "loop-control", "mapper/control", "userfaultfd", "vhost-vsock"]:
    refused(f"open /dev/{name}", lambda: os.open(f"/dev/{name}", os.O_RDWR))
known = {"null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr", "shm"}
holds("/dev holds what it should", set(os.listdir("/dev")) == known, os.listdir("/dev"))
with open("/dev/null", "w") as null, open("/dev/urandom", "rb") as random:
    null.write("x")
    holds("the harmless ones work", len(random.read(8)) == 8)
