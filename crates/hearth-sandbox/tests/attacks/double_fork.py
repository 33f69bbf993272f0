# Leaves processes behind that have no parent, no session and no ears for signals.
import os
import signal
from attack import holds, libc

PR_SET_PDEATHSIG = 1

for _ in range(20):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(1, 65):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            libc.prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)
            while True:
                signal.pause()
        os._exit(0)
    os.wait()
holds("they are there", len([name for name in os.listdir("/proc") if name.isdigit()]) == 22)
