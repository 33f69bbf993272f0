"""Deployment packages and the calls most tests make."""

import base64
import io
import json
import textwrap
import uuid
import zipfile

ROLE = "arn:aws:iam::000000000000:role/test"
# In place of AWS's 3 seconds, which a busy machine may take to start an interpreter twice.
TIMEOUT = 30


def package(files):
    """A zip archive of text files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, textwrap.dedent(text))
    return buffer.getvalue()


def python(code, name="app.py"):
    return package({name: code})


def node(code, name="index.js"):
    return package({name: code})


def unique(prefix="f"):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def create(client, zip_file, runtime="python3.11", handler=None, name=None, wait=True, **settings):
    """Creates a function, waits until it is active and returns its name."""
    name = name or unique()
    settings.setdefault("Timeout", TIMEOUT)
    handler = handler or ("app.handler" if runtime.startswith("python") else "index.handler")
    client.create_function(
        FunctionName=name, Runtime=runtime, Role=ROLE, Handler=handler, Code={"ZipFile": zip_file}, **settings
    )
    if wait:
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    return name


def create_in_place(client, folder, runtime="python3.11", handler="app.handler", **settings):
    """Creates a function of a folder as it is, through LocalStack's bucket; the server must be allowed to show it."""
    name = unique()
    settings.setdefault("Timeout", TIMEOUT)
    client.create_function(
        FunctionName=name, Runtime=runtime, Role=ROLE, Handler=handler,
        Code={"S3Bucket": "hot-reload", "S3Key": str(folder)}, **settings,
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    return name


class Answer:
    """What an invocation came to."""

    def __init__(self, response):
        self.status = response["StatusCode"]
        self.error = response.get("FunctionError")
        self.raw = response["Payload"].read()
        self.version = response.get("ExecutedVersion")
        self.log = base64.b64decode(response.get("LogResult", "")).decode(errors="replace")
        self.request_id = response["ResponseMetadata"]["RequestId"]

    @property
    def payload(self):
        return json.loads(self.raw)


def invoke(client, name, event=None, **settings):
    payload = json.dumps(event if event is not None else {}).encode()
    return Answer(client.invoke(FunctionName=name, Payload=payload, LogType="Tail", **settings))


def log_lines(logs, name, **filters):
    """All log messages of a function, oldest first."""
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}", **filters)
    return [event["message"].rstrip("\n") for page in pages for event in page["events"]]
