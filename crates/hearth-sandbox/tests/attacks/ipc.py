# Finds message queues, shared memory and semaphores of others.
import os
from attack import call_number, holds, platform, read, refused

SHMGET = {"x86_64": 29, "aarch64": 194}[platform.machine()]

holds("no shared memory of the host's", len(read("/proc/sysvipc/shm").splitlines()) == 1, read("/proc/sysvipc/shm"))
refused("open the host's shared memory", lambda: call_number(SHMGET, FACTS["shared_memory_key"], 16, 0))
holds("/dev/shm is its own", os.listdir("/dev/shm") == [], os.listdir("/dev/shm"))
holds("/tmp is its own", os.listdir("/tmp") == [], os.listdir("/tmp"))
