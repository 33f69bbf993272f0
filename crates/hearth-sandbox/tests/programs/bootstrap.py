"""Stands in for a runtime's bootstrap: runs the programs it is told to, one JSON line each way on the control socket."""
import json
import os
import runpy
import socket
import sys
import traceback

# What is in front of /var/task and its like: nothing behind walls.
ROOT = sys.argv[0].replace("/var/runtime/bootstrap.py", "")
INHERITED = sorted(int(number) for number in os.listdir("/proc/self/fd"))

control = socket.socket(fileno=3).makefile("rw")
for line in control:
    order = json.loads(line)
    answer = {"inherited": INHERITED}
    if "run" in order:
        sys.path.insert(0, ROOT + "/var/runtime")
        facts = dict(order.get("facts", {}), inherited=INHERITED)
        try:
            runpy.run_path(ROOT + order["run"], init_globals={"FACTS": facts, "ROOT": ROOT})
        except BaseException:
            answer["error"] = traceback.format_exc()
        sys.stdout.flush()
    print(json.dumps(answer), file=control, flush=True)
