"""InvokeWithResponseStream through boto3, and its messages as they come over the wire."""

import base64
import http.client
import json
import time
from urllib.parse import urlsplit

from botocore.eventstream import EventStreamBuffer


class Streamed:
    """What a streaming invocation came to: chunks with the time each took, and how it ended."""

    def __init__(self, response):
        self.status = response["StatusCode"]
        self.version = response.get("ExecutedVersion")
        self.content_type = response.get("ResponseStreamContentType")
        self.request_id = response["ResponseMetadata"]["RequestId"]
        self.headers = response["ResponseMetadata"]["HTTPHeaders"]
        self.chunks, self.at, self.complete = [], [], None
        for event in response["EventStream"]:
            assert self.complete is None, "nothing follows InvokeComplete"
            if "PayloadChunk" in event:
                self.chunks.append(event["PayloadChunk"]["Payload"])
                self.at.append(time.monotonic())
            else:
                self.complete = event["InvokeComplete"]
        self.ended_at = time.monotonic()

    @property
    def body(self):
        return b"".join(self.chunks)

    @property
    def error(self):
        return json.loads(self.complete["ErrorDetails"]) if "ErrorDetails" in self.complete else None

    @property
    def log(self):
        return base64.b64decode(self.complete.get("LogResult", "")).decode()


def stream(client, name, event=None, **settings):
    payload = json.dumps(event if event is not None else {}).encode()
    return Streamed(client.invoke_with_response_stream(FunctionName=name, Payload=payload, LogType="Tail", **settings))


def path(name):
    return f"/2021-11-15/functions/{name}/response-streaming-invocations"


def messages(pieces):
    """Decodes pieces of a body with botocore: event type and payload of each message, as soon as it is complete."""
    buffer = EventStreamBuffer()
    for piece in pieces:
        buffer.add_data(piece)
        for message in buffer:
            yield message.headers[":event-type"], message.payload


def request(server, name, event):
    """Begins a request and returns connection and response, of which nothing but the head was read."""
    connection = http.client.HTTPConnection(urlsplit(server.endpoint).netloc, timeout=120)
    connection.request("POST", path(name), body=json.dumps(event))
    return connection, connection.getresponse()
