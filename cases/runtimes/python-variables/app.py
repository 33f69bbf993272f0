import os
import subprocess
import time

AT_INIT = dict(os.environ)


def handler(event, context):
    child = subprocess.run(["sh", "-c", "echo $TABLE:$_HANDLER:$_X_AMZN_TRACE_ID"], stdout=subprocess.PIPE, check=True)
    return {
        "names": " ".join(sorted(set(os.environ) - {"_X_AMZN_TRACE_ID"})),
        "table": [AT_INIT["TABLE"], os.environb[b"TABLE"].decode()],
        "handler": os.environ["_HANDLER"],
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
        "hour": time.localtime(0).tm_hour,
        "folder": os.getcwd(),
        "child": child.stdout.decode().strip(),
    }
