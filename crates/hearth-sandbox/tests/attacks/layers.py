# Changes its layers, or gets out through them.
import os
import subprocess
from attack import holds, read, refused, write

OTHER = FACTS["other_code"]

refused("change a layer's file", lambda: write("/opt/layer.py"))
refused("open it for writing", lambda: os.open("/opt/layer.py", os.O_WRONLY))
refused("add a file", lambda: write("/opt/new.py"))
refused("add a folder", lambda: os.mkdir("/opt/extensions"))
refused("remove a file", lambda: os.unlink("/opt/layer.py"))
refused("rename it", lambda: os.rename("/opt/layer.py", "/opt/other.py"))
refused("change its mode", lambda: os.chmod("/opt/layer.py", 0o777))
refused("change its owner", lambda: os.chown("/opt/layer.py", os.getuid(), os.getgid()))
refused("link it", lambda: os.link("/opt/layer.py", "/tmp/layer.py"))
refused("replace /opt", lambda: os.rename("/opt", "/tmp/opt"))
for name in ["absolute", "relative", "through_data"]:
    refused(f"follow the link {name} out of /opt", lambda: read(f"/opt/{name}"))
for path in [f"/opt/../{OTHER}/secret.py", f"{FACTS['trees']}/{OTHER}/secret.py"]:
    refused(f"read {path}", lambda: read(path))
opt = os.open("/opt", os.O_RDONLY)
refused("go up from /opt", lambda: os.open(f"../{OTHER}/secret.py", os.O_RDONLY, dir_fd=opt))
user = int(subprocess.run(["/opt/tool"], capture_output=True, check=True).stdout)
holds("a set-user-ID program runs as its caller", user == os.getuid(), user)
own = os.stat("/opt").st_uid == os.getuid()
holds("the layers are not its own", not own or FACTS["tier"] == "rootless", os.stat("/opt"))
flags = next(line.split() for line in open("/proc/self/mountinfo") if line.split()[4] == "/opt")[5]
holds("/opt is sealed", {"ro", "nosuid", "nodev"} <= set(flags.split(",")), flags)
