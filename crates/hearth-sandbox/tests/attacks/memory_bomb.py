# expect: out of memory
# Takes more memory than the function has.
import signal

blocks = []
for _ in range(1000):
    blocks.append(bytearray(b"x" * (1 << 20)))
# If the end never comes, this test does not end either.
signal.pause()
