# Reads the code of other functions, which lies beside its own on the host.
import os
from attack import holds, read, refused

OTHER = FACTS["other_code"]

for path in [f"/var/task/../{OTHER}/secret.py", f"/code/{OTHER}/secret.py", f"{FACTS['trees']}/{OTHER}/secret.py",
             f"/proc/self/cwd/../{OTHER}/secret.py"]:
    refused(f"read {path}", lambda: read(path))
task = os.open("/var/task", os.O_RDONLY)
refused("go up from /var/task", lambda: os.open(f"../{OTHER}/secret.py", os.O_RDONLY, dir_fd=task))
os.chdir("/var/task")
os.chdir("..")
holds("above /var/task is /var", sorted(os.listdir(".")) == ["lang", "runtime", "task"], os.listdir("."))
OWN = ["absolute", "layer.py", "passwd", "relative", "through_data", "tool"]
holds("/opt holds its own layers only", sorted(os.listdir("/opt")) == OWN, os.listdir("/opt"))
holds("the code is not its own", os.stat("/var/task").st_uid != os.getuid(), os.stat("/var/task"))
