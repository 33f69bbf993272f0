"""Many first invocations at once."""

import asyncio
import dataclasses
import resource
import time

# A function that takes its time without using the machine.
SLEEP = {
    "Node.js": "exports.handler = async (event) => {{ await new Promise((done) => setTimeout(done, {0} * 1000)); "
               "return event; }};\n",
    "Python": "import time\ndef handler(event, context):\n    time.sleep({0})\n    return event\n",
}
PATIENCE = 120


@dataclasses.dataclass
class Burst:
    """How many were sent, answered and throttled, and how long it took until the last answer."""

    sent: int
    answered: int
    throttled: int
    seconds: float

    @property
    def lost(self):
        return self.sent - self.answered - self.throttled


async def _invoke(connection, request):
    reader, writer = connection
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(None, 2)[1])
        failed = b"x-amz-function-error" in head.lower()
        return 0 if failed else status
    except (OSError, asyncio.IncompleteReadError):
        return 0
    finally:
        writer.close()


async def _burst(address, request, count):
    connections = []
    for _ in range(count):
        connections.append(await asyncio.open_connection(*address))
    begun = time.perf_counter()
    calls = [asyncio.wait_for(_invoke(connection, request), PATIENCE) for connection in connections]
    statuses = await asyncio.gather(*calls, return_exceptions=True)
    return Burst(count, statuses.count(200), statuses.count(429), time.perf_counter() - begun)


def burst(server, name, count):
    """All at once, each on a connection of its own that was made before."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    body = '{"n":1}'
    request = (f"POST /2015-03-31/functions/{name}/invocations HTTP/1.1\r\nHost: localhost\r\n"
               f"Content-Length: {len(body)}\r\n\r\n{body}").encode()
    try:
        return asyncio.run(_burst(server.address, request, count))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
