"""Function URLs whose responses are sent as they come."""

import shutil
import time

import pytest

from functions import create, node
from web import ECHO, Visitor, curl, public_url, wish


STREAM = node("""
    exports.handler = awslambda.streamifyResponse(async (event, stream) => {
      const wish = event.queryStringParameters ?? {};
      stream = awslambda.HttpResponseStream.from(stream, {
        statusCode: 207, headers: { "Content-Type": "text/plain", "X-Own": "1" }, cookies: ["a=1", "b=2"],
      });
      stream.write("first ");
      if (wish.wait) await new Promise((done) => setTimeout(done, 1000 * wish.wait));
      if (wish.fail) throw new Error("later");
      if (wish.megabytes) {
        const piece = Buffer.alloc(1 << 20, 120);
        for (let i = 0; i < wish.megabytes; i++)
          if (!stream.write(piece)) await new Promise((done) => stream.once("drain", done));
      }
      stream.end("last");
    });
""")


@pytest.fixture(scope="module")
def streaming(client):
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    name = create(client, STREAM, runtime="nodejs20.x", Timeout=60)
    return public_url(client, name, InvokeMode="RESPONSE_STREAM")


def test_a_stream_begins_before_the_function_ends(server, streaming):
    with Visitor(server, streaming) as visitor:
        visitor.fetch()
        begun = time.monotonic()
        response = visitor.send("GET", "/?wait=3")
        assert response.status == 207 and response.headers["x-own"] == "1"
        assert response.headers.get_all("set-cookie") == ["a=1", "b=2"]
        assert response.headers["transfer-encoding"] == "chunked"
        assert response.read(6) == b"first "
        assert time.monotonic() - begun < 2.5
        assert response.read() == b"last"
        assert time.monotonic() - begun >= 3


def test_a_stream_that_fails_breaks_the_connection(server, streaming):
    for _ in range(10):
        done = curl(server, streaming + "?fail=1")
        assert done.stdout == b"first " and done.returncode in (18, 56), done.stderr
    with Visitor(server, streaming) as visitor:
        assert visitor.fetch().body == b"first last"


def test_a_slow_reader_delays_only_its_function(server, client, streaming):
    url = public_url(client, create(client, ECHO))
    with Visitor(server, streaming) as slow, Visitor(server, streaming) as quick, Visitor(server, url) as other:
        response = slow.send("GET", "/?megabytes=40")
        assert response.read(6) == b"first "
        for _ in range(5):
            assert quick.fetch().body == b"first last"
            assert wish(other, **{"return": 1}).body == b"1"
        rest = response.read()
        assert len(rest) == 40 * (1 << 20) + len("last")


def test_a_whole_response_may_be_streamed(server, client):
    name = create(client, ECHO)
    with Visitor(server, public_url(client, name, InvokeMode="RESPONSE_STREAM")) as visitor:
        reply = wish(visitor, **{"return": {"a": 1}})
        assert (reply.status, reply.json) == (200, {"a": 1})
        assert reply.headers["content-type"] == "application/octet-stream"
        assert wish(visitor, **{"raise": True}).body == b"Internal Server Error"
