# Follows the symbolic links of its code package, which were made to point out of it.
import os
from attack import holds, read, refused

for name in ["absolute", "relative", "through_data"]:
    path = f"/var/task/{name}"
    holds(f"{name} is a link", os.path.islink(path))
    refused(f"follow {name} to {os.readlink(path)}", lambda: read(path))
holds("a link to /etc/passwd shows the sandbox's", read("/var/task/passwd") == read("/etc/passwd"))
