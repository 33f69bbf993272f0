# Writes core dumps: as files, or into whatever the host lets handle them.
import os
import resource
import signal
from attack import holds, refused

CORE = resource.RLIMIT_CORE

for limits in [(0, 0), (0, 1), (1, 1), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)]:
    refused(f"set the limit to {limits}", lambda: resource.setrlimit(CORE, limits) or "set")
holds("asking is allowed", resource.getrlimit(CORE) == (1, 1), resource.getrlimit(CORE))
os.chdir("/tmp")
pid = os.fork()
if pid == 0:
    os.kill(os.getpid(), signal.SIGSEGV)
_, status = os.waitpid(pid, 0)
holds("a crash dumps nothing", os.WTERMSIG(status) == signal.SIGSEGV and not os.WCOREDUMP(status), status)
holds("no file is left", not [name for name in os.listdir("/tmp") if name.startswith("core")], os.listdir("/tmp"))
for name, most in [("RLIMIT_NOFILE", 1024), ("RLIMIT_NPROC", 1024), ("RLIMIT_STACK", 8 << 20), ("RLIMIT_MEMLOCK", 64 << 10)]:
    kind = getattr(resource, name)
    holds(f"{name} is Lambda's", resource.getrlimit(kind) == (most, most), resource.getrlimit(kind))
    refused(f"raise {name}", lambda: resource.setrlimit(kind, (most + 1, most + 1)) or "raised")
