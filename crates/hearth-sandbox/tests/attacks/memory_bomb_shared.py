# expect: out of memory
# Takes memory that belongs to no process: shared mappings and files in memory.
import mmap
import os
from attack import holds

kept = []
for _ in range(900):
    block = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    block.write(b"x" * (1 << 20))
    descriptor = os.memfd_create("file")
    os.write(descriptor, b"x" * (1 << 20))
    kept.append((block, descriptor))
holds("gigabytes are too much", False)
