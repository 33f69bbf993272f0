# Fills everything that can be written to.
import os
from attack import holds


def fill(path, most):
    """Writes until there is no more room; gives the number of megabytes."""
    block, written = b"x" * (1 << 20), 0
    with open(path, "wb", buffering=0) as file:
        try:
            while written <= most:
                file.write(block)
                written += 1
        except OSError as error:
            print(f"{path} is full after {written} MB: {error}")
    size = os.stat(path).st_size >> 20
    os.unlink(path)
    return size


shared = fill("/dev/shm/file", 200)
holds("/dev/shm ends", shared <= 64, f"{shared} MB")
temporary = fill("/tmp/file", 2000)
holds("/tmp ends at its size", 500 <= temporary <= 512, f"{temporary} MB")
count = 0
os.mkdir("/tmp/many")
try:
    while count < 1_000_000:
        os.mknod(f"/tmp/many/{count}")
        count += 1
except OSError as error:
    print(f"no more files after {count}: {error}")
holds("files end", count < 140_000, count)
