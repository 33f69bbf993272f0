"""What ordinary programs do, to see that nothing of it is forbidden. Prints `done` at the end."""
import asyncio
import concurrent.futures
import getpass
import json
import multiprocessing
import os
import pathlib
import queue
import random
import selectors
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
import zlib

# Whether it runs in a system of its own.
WALLED = __file__.startswith("/var/runtime")


def square(number):
    return number * number


def threads():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(square, range(10))) == 285
    results = queue.Queue()
    thread = threading.Thread(target=lambda: results.put(1), name="worker")
    thread.start()
    thread.join()
    assert results.get() == 1


def processes():
    for method in ["fork", "spawn", "forkserver"]:
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(square, [1, 2, 3]) == [1, 4, 9], method
    assert subprocess.run(["/bin/sh", "-c", "echo $((1+1))"], capture_output=True).stdout == b"2\n"
    assert subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout == b"1\n"


def sockets():
    async def echo(reader, writer):
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    async def main():
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        process = await asyncio.create_subprocess_exec("/bin/true")
        assert await process.wait() == 0
        writer.close()
        server.close()

    asyncio.run(main())
    one, other = socket.socketpair()
    one.send(b"x")
    assert other.recv(1) == b"x"
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_WRITE)
        assert selector.select(1)
    with socket.create_server(("::1", 0), family=socket.AF_INET6):
        pass
    ssl.create_default_context()
    assert socket.gethostbyname("localhost") == "127.0.0.1"
    assert socket.gethostname() == "sandbox" or not WALLED


def files():
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "file")
        path.write_text("text")
        os.link(path, path.with_suffix(".link"))
        os.mkfifo(path.with_suffix(".fifo"))
        os.utime(path)
        os.truncate(path, 2)
        with open(path, "r+b") as file:
            os.fsync(file.fileno())
            os.posix_fallocate(file.fileno(), 0, 100)
        shutil.copytree(directory, directory + "-copy", ignore=shutil.ignore_patterns("*.fifo"))
        with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
            archive.writestr("name", zlib.compress(b"content"))
        database = sqlite3.connect(path.with_suffix(".db"))
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE t (x)")
        database.execute("INSERT INTO t VALUES (1)")
        database.commit()
        assert database.execute("SELECT count(*) FROM t").fetchone() == (1,)
    os.sched_getaffinity(0)
    assert getpass.getuser() == "sbx_user1051" or not WALLED
    assert os.path.expanduser("~") == "/home/sbx_user1051" or not WALLED


def signals():
    received = []
    signal.signal(signal.SIGALRM, lambda *_: received.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    signal.pause()
    assert received == [1]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def numbers():
    try:
        import numpy
    except ImportError:
        return
    assert numpy.dot(numpy.ones((100, 100)), numpy.ones((100, 100))).sum() == 1e6


if __name__ == "__main__":
    for part in [threads, processes, sockets, files, signals, numbers]:
        part()
    print(json.dumps({"done": uuid.uuid4().hex, "random": random.random(), "time": time.time()}))
    print("done", flush=True)
