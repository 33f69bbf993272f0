# memory: 1769
# Asks to be served before others, alone and as one of a crowd.
import os
import resource
import signal
import threading
import time
from attack import holds, refused

REALTIME = os.sched_param(1)

for name, limit in [("nice", resource.RLIMIT_NICE), ("rtprio", resource.RLIMIT_RTPRIO)]:
    holds(f"no {name} is allowed", resource.getrlimit(limit) == (0, 0), resource.getrlimit(limit))
    refused(f"allow itself {name}", lambda: resource.setrlimit(limit, (1, 1)))
own = os.getpriority(os.PRIO_PROCESS, 0)
expected = FACTS["priority"] + 10 if FACTS["tier"] == "rootless" else FACTS["priority"]
holds("it comes after whoever started it", own == min(expected, 19), own)
for policy in [os.SCHED_FIFO, os.SCHED_RR]:
    refused(f"policy {policy}", lambda: os.sched_setscheduler(0, policy, REALTIME))
refused("come before it", lambda: os.setpriority(os.PRIO_PROCESS, 0, own - 1))

# Neither the threads nor the processes would be a crowd alone.
children, over = [], threading.Event()
for _ in range(100):
    threading.Thread(target=over.wait).start()
for _ in range(100):
    pid = os.fork()
    if pid == 0:
        signal.pause()
    children.append(pid)
if FACTS["tier"] == "rootless":
    # There is no control group: the last of a crowd wait for everybody else.
    everybody = [0, 1, *children]
    while any(os.getpriority(os.PRIO_PROCESS, pid) != 19 for pid in everybody):
        time.sleep(0.01)
    holds("a crowd stands back", True)
    refused("come forward again", lambda: os.setpriority(os.PRIO_PROCESS, 0, 18))
for pid in children:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
over.set()
