"""`kill -9` of any process: what was acknowledged stays, nothing half-done shows, no process survives."""

import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from functions import create, invoke, python
from server import alive, wait_until

pytestmark = pytest.mark.every_tier


def body(number):
    return f"def handler(event, context):\n    return {number}\n"


class Writer(threading.Thread):
    """Creates and updates functions until the server is gone; remembers what was acknowledged."""

    def __init__(self, client, prefix):
        super().__init__()
        self.client, self.prefix = client, prefix
        self.acknowledged, self.attempted = {}, {}

    def run(self):
        number = 0
        while True:
            name = f"{self.prefix}-{number % 5}"
            self.attempted[name] = number
            try:
                if name not in self.acknowledged:
                    create(self.client, python(body(number)), name=name)
                else:
                    self.client.update_function_code(FunctionName=name, ZipFile=python(body(number)))
                    self.client.get_waiter("function_updated_v2").wait(
                        FunctionName=name, WaiterConfig={"Delay": 0.02}
                    )
            except (BotoCoreError, ClientError):
                return
            self.acknowledged[name] = number
            number += 1


@pytest.mark.parametrize("role", ["launcher", "server", "warden"])
def test_what_was_acknowledged_survives(make_server, role):
    server = make_server().start()
    writers = [Writer(server.client(), f"w{n}") for n in range(3)]
    for writer in writers:
        writer.start()
    wait_until(lambda: all(len(w.acknowledged) == 5 for w in writers), "functions and updates flow", 60)
    members = server.members()
    if role == "launcher":
        server.process.kill()
    else:
        import os
        os.kill(server.member(role), 9)
    for writer in writers:
        writer.join(60)
    server.process.wait(30)
    wait_until(lambda: not any(alive(pid) for pid in members), "no process survives")

    client = server.start().client()
    for writer in writers:
        for name, number in writer.acknowledged.items():
            client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
            client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
            assert invoke(client, name).payload in (number, writer.attempted[name]), name
    known = {name for writer in writers for name in writer.attempted}
    listed = {f["FunctionName"] for page in client.get_paginator("list_functions").paginate() for f in page["Functions"]}
    assert listed <= known


def test_a_killed_server_leaves_nothing_running(make_server):
    server = make_server().start()
    client = server.client()
    name = create(client, python("import time\ndef handler(event, context):\n    time.sleep(60)\n"), Timeout=60)
    busy = threading.Thread(target=lambda: pytest.raises(BotoCoreError, lambda: invoke(client, name)))
    busy.start()
    before = len(server.members())
    wait_until(lambda: len(server.members()) >= before, "the function runs")
    server.kill()
    busy.join(30)
    assert not busy.is_alive()


class Publisher(threading.Thread):
    """Updates, publishes and moves an alias until the server is gone; remembers what was acknowledged."""

    def __init__(self, client, name):
        super().__init__()
        self.client, self.name = client, name
        self.published, self.alias = {}, None

    def run(self):
        number = 0
        while True:
            number += 1
            try:
                self.client.update_function_code(FunctionName=self.name, ZipFile=python(body(number)))
                self.client.get_waiter("function_updated_v2").wait(
                    FunctionName=self.name, WaiterConfig={"Delay": 0.02}
                )
                version = self.client.publish_version(FunctionName=self.name)["Version"]
                self.published[version] = number
                self.client.update_alias(FunctionName=self.name, Name="live", FunctionVersion=version)
                self.alias = version
            except (BotoCoreError, ClientError):
                return


def test_what_was_published_survives(make_server):
    server = make_server().start()
    client = server.client()
    publishers = []
    for _ in range(2):
        name = create(client, python(body(0)), Publish=True)
        client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        publishers.append(Publisher(server.client(), name))
        publishers[-1].start()
    wait_until(lambda: all(len(p.published) >= 5 for p in publishers), "versions are published", 60)
    server.kill()
    for publisher in publishers:
        publisher.join(60)

    client = server.start().client()
    for publisher in publishers:
        name, published = publisher.name, publisher.published
        versions = [v["Version"] for page in client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
                    for v in page["Versions"]]
        # At most one was committed and not acknowledged any more.
        assert versions == ["$LATEST", "1", *published] + versions[len(published) + 2:], versions
        assert len(versions) - len(published) in (2, 3)
        for version, number in published.items():
            assert invoke(client, name, Qualifier=version).payload == number
        live = invoke(client, name, Qualifier="live").version
        assert live in (publisher.alias, versions[-1])
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
        update = client.update_function_code(FunctionName=name, ZipFile=python(body("'anew'")), Publish=True)
        assert int(update["Version"]) == int(versions[-1]) + 1
