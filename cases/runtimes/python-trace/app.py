import os
import subprocess

NAME = "_X_AMZN_TRACE_ID"
AT_INIT = os.environ


def in_child(**options):
    run = subprocess.run(["sh", "-c", "echo $" + NAME], stdout=subprocess.PIPE, check=True, **options)
    return run.stdout.decode().strip()


def handler(event, context):
    if event["do"] == "change":
        os.environ[NAME] = "changed"
        changed = os.environ[NAME]
        del os.environ[NAME]
        return {"changed": changed, "left": [NAME in os.environ, os.environ.get(NAME), in_child()]}
    return {
        "read": os.environ.get(NAME),
        "atInit": AT_INIT.get(NAME),
        "copied": dict(os.environ).get(NAME),
        "listed": list(os.environ).count(NAME),
        "child": [in_child(), in_child(env=dict(os.environ, OTHER="1"))],
    }
