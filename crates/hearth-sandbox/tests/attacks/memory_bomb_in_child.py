# expect: out of memory
# Takes more memory than the function has, a little in each of many processes.
import os
import signal

for _ in range(100):
    if os.fork() == 0:
        block = bytearray(b"x" * (10 << 20))
        signal.pause()
# If the end never comes, this test does not end either.
signal.pause()
