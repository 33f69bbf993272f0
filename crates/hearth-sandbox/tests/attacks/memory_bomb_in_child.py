# expect: out of memory
# Takes more memory than the function has, a little in each of many processes.
import os
import signal
from attack import holds

for _ in range(100):
    if os.fork() == 0:
        block = bytearray(b"x" * (10 << 20))
        signal.pause()
signal.alarm(20)
try:
    signal.pause()
finally:
    holds("a gigabyte is too much", False)
