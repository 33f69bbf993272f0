# Reads files of the host, by their path and through other processes.
import os
from attack import holds, read, refused

SEEN = {"bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "opt", "proc", "run", "sbin", "tmp", "usr", "var"}

for path in ["/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/machine-id", "/root/.bashrc", "/proc/kcore",
             "/proc/1/environ", "/proc/1/maps", "/proc/1/mem", "/proc/kmsg", FACTS["secret"]]:
    refused(f"read {path}", lambda: read(path))
for path in ["/root", "/home", "/boot", "/sys", "/proc/1/root/", "/proc/1/cwd/", "/proc/1/fd", "/proc/1/task/1/root/",
             FACTS["data"], "/usr/local/bin", "/usr/src", "/data", "/code", "/base", "/runtimes", "/identities"]:
    if path == "/proc/1/fd" and FACTS["tier"] == "rootless":
        # Its own init is the same user's: the numbers of its descriptors are seen, and no more.
        for number in os.listdir(path):
            refused(f"follow {path}/{number}", lambda: os.readlink(f"{path}/{number}"))
            refused(f"open {path}/{number}", lambda: os.open(f"{path}/{number}", os.O_RDONLY))
        continue
    refused(f"list {path}", lambda: os.listdir(path) or (_ for _ in ()).throw(OSError("it is empty")))
holds("the root shows only what it should", set(os.listdir("/")) <= SEEN, os.listdir("/"))
holds("/etc/passwd is the sandbox's", b"sbx_user1051" in read("/etc/passwd"), read("/etc/passwd"))
holds("the host's name is hidden", os.uname().nodename == "sandbox", os.uname())
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) != os.getpid():
        refused(f"read the environment of process {name}", lambda: read(f"/proc/{name}/environ"))
