# Changes something that is not in /tmp.
import os
from attack import holds, refused, write

WRITABLE = ("/tmp", "/dev/shm", "/proc/self", "/proc/thread-self")

for directory, _, files in os.walk("/", onerror=None):
    if directory.count("/") > 3 or directory.startswith(WRITABLE) or directory.startswith("/proc/"):
        continue
    holds(f"write access to {directory}", not os.access(directory, os.W_OK))
    refused(f"make a file in {directory}", lambda: write(os.path.join(directory, "attack")))
for path in ["/var/task/attack.py", "/var/runtime/bootstrap.py", "/etc/passwd", "/etc/hosts", "/usr/lib/os-release",
             "/run/identity/passwd", "/proc/self/exe", "/dev/null"]:
    refused(f"change the mode of {path}", lambda: os.chmod(path, 0o777))
    refused(f"change the time of {path}", lambda: os.utime(path, (0, 0)))
    refused(f"remove {path}", lambda: os.unlink(path))
    refused(f"rename {path}", lambda: os.rename(path, path + "2"))
    refused(f"link {path}", lambda: os.link(path, "/tmp/link"))
for path in ["/etc/passwd", "/var/task/main.py", "/usr/bin/env", "/proc/self/exe", "/proc/self/oom_score_adj",
             "/proc/self/comm"]:
    refused(f"open {path} for writing", lambda: os.open(path, os.O_WRONLY))
for name in ["lang", "runtime", "task"]:
    refused(f"move /var/{name}", lambda: os.rename(f"/var/{name}", "/tmp/moved"))
refused("move a file out of /tmp", lambda: (write("/tmp/mine"), os.rename("/tmp/mine", "/opt/mine")))
write("/tmp/allowed")
holds("/tmp is writable", os.path.exists("/tmp/allowed"))
