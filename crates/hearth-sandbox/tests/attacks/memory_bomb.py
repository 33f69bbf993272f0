# expect: out of memory
# Takes more memory than the function has.
from attack import holds

blocks = []
for _ in range(1000):
    blocks.append(bytearray(b"x" * (1 << 20)))
holds("a gigabyte is too much", False)
