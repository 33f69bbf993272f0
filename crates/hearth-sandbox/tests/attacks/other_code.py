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
# In the tier rootless all belongs to one user; that it cannot be changed is for the mounts to see to.
own = os.stat("/var/task").st_uid == os.getuid()
holds("the code is not its own", not own or FACTS["tier"] == "rootless", os.stat("/var/task"))
refused("write to the code", lambda: open("/var/task/main.py", "a"))
refused("give the code another mode", lambda: os.chmod("/var/task", 0o777))
