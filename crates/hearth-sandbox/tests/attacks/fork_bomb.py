# memory: 1769
# Makes processes and threads until there are no more.
import os
import signal
import threading
from attack import holds

children = []
try:
    while len(children) < 5000:
        pid = os.fork()
        if pid == 0:
            signal.pause()
            os._exit(0)
        children.append(pid)
except OSError as error:
    holds("processes end at Lambda's limit", 900 < len(children) <= 1024, f"{len(children)}: {error}")
else:
    holds("processes end", False, len(children))
for pid in children:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
threads, over = [], threading.Event()
try:
    while len(threads) < 5000:
        thread = threading.Thread(target=over.wait)
        thread.start()
        threads.append(thread)
except RuntimeError as error:
    holds("threads end at Lambda's limit", 900 < len(threads) <= 1024, f"{len(threads)}: {error}")
else:
    holds("threads end", False, len(threads))
over.set()
