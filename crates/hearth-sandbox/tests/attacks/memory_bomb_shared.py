# expect: out of memory
# Takes memory that belongs to no process: shared mappings and files in memory.
import mmap
import os
import signal
from attack import call_number, platform, refused

SHMGET = {"x86_64": 29, "aarch64": 194}[platform.machine()]

# Memory that no process has mapped is only seen by control groups, so without them there is none.
counted = FACTS["tier"] == "sandbox"
if not counted:
    refused("make a file in memory", lambda: os.memfd_create("file"))
    refused("make shared memory of System V", lambda: call_number(SHMGET, 0, 1 << 20, 0o1600))
kept = []
for _ in range(900):
    block = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    block.write(b"x" * (1 << 20))
    kept.append(block)
    if counted:
        descriptor = os.memfd_create("file")
        os.write(descriptor, b"x" * (1 << 20))
# It is looked for, so the end need not come at once. If it never comes, this test does not end either.
signal.pause()
