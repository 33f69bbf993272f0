"""Hot reload: a folder is the function's code as it is, and a saved file is run by the next invocation."""

import os
import re
import shutil
import tempfile
import threading
from pathlib import Path

import pytest

import server
from functions import create, create_in_place, invoke, log_lines, python
from languages import RUNTIME
from server import wait_until
from tier import AS_NOBODY, NOBODY, TIER, give

pytestmark = pytest.mark.every_tier

# An ordinary user, whose folders are shown: with root's rights anybody's, without them one's own.
OWNER = NOBODY if AS_NOBODY else os.geteuid() or 1000
FILE = {"python": "app.py", "node": "index.js"}
# Says which word it has, and how often this environment was called; waits for a file in its folder if it is told to.
SAYS = {
    "python": """
import os, time
calls = 0
def handler(event, context):
    global calls
    calls += 1
    while event.get("until") and not os.path.exists(event["until"]):
        time.sleep(0.01)
    return ["{word}", calls]
""",
    "node": """
const fs = require("fs");
let calls = 0;
exports.handler = async (event) => {{
  calls += 1;
  while (event.until && !fs.existsSync(event.until)) await new Promise((done) => setTimeout(done, 10));
  return ["{word}", calls];
}};
""",
}


def code(language, word):
    return SAYS[language].format(word=word)


@pytest.fixture
def folder():
    """A folder that only its owner may read, an ordinary user."""
    made = Path(tempfile.mkdtemp(prefix="hearth-hot-"))
    give(made)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def save(path, text, owner=OWNER):
    path.write_text(text)
    path.chmod(0o600)
    os.chown(path, owner, owner)


def dev(make_server, folder, *arguments):
    """A server that shows what is below a folder."""
    return make_server(args=["--allow-folder", folder, *arguments]).start()


def bound(client, language, folder, **settings):
    """Creates a function of a folder through LocalStack's bucket."""
    handler = FILE[language].split(".")[0] + ".handler"
    return create_in_place(client, folder, runtime=RUNTIME[language], handler=handler, **settings)


def test_dev_runs_what_was_saved(make_server, folder, language):
    app = folder / FILE[language]
    app.write_text(code(language, "first"))
    server = make_server().start([folder])
    client = server.client()
    name = folder.name
    wait_until(lambda: any(f"created {name}" in line for line in server.output), "it is deployed")
    assert any(f"{folder} as it is" in line for line in server.output), server.output
    assert invoke(client, name).payload == ["first", 1]
    assert invoke(client, name).payload == ["first", 2]
    # Exactly the next invocation, every time.
    for number in range(15):
        app.write_text(code(language, f"word {number}"))
        assert invoke(client, name).payload == [f"word {number}", 1]


def test_dev_goes_on_without_what_cannot_be_deployed(make_server, folder):
    for name, text in [("works", code("python", "works")), ("broken", "nothing = 1\n")]:
        (folder / name).mkdir()
        (folder / name / "app.py").write_text(text)
    server = make_server().start([folder])
    wait_until(lambda: any("created works" in line for line in server.output), "the other one is deployed")
    assert any(line.startswith("warning: ") and "broken" in line for line in server.output), server.output
    assert invoke(server.client(), "works").payload == ["works", 1]


def test_every_way_to_save(make_server, folder, language):
    app = folder / FILE[language]
    app.write_text(code(language, "first"))
    client = dev(make_server, folder).client()
    name = bound(client, language, folder)
    assert invoke(client, name).payload == ["first", 1]
    # As editors do it: beside, then renamed.
    (folder / ".app~").write_text(code(language, "renamed"))
    (folder / ".app~").rename(app)
    assert invoke(client, name).payload == ["renamed", 1]
    app.unlink()
    broken = invoke(client, name)
    assert broken.error == "Unhandled" and "ImportModuleError" in broken.payload["errorType"]
    app.write_text(code(language, "again"))
    assert invoke(client, name).payload == ["again", 1]
    # A file in a folder that was not there.
    (folder / "made/deep").mkdir(parents=True)
    (folder / "made/deep/data").write_text("x")
    assert invoke(client, name).payload == ["again", 1]
    (folder / "made/deep/data").write_text("y")
    assert invoke(client, name).payload == ["again", 1]
    assert invoke(client, name).payload == ["again", 2]


def test_noise_keeps_environments_warm(make_server, folder):
    (folder / "app.py").write_text(code("python", "warm"))
    (folder / "node_modules/x").mkdir(parents=True)
    client = dev(make_server, folder).client()
    name = bound(client, "python", folder)
    assert invoke(client, name).payload == ["warm", 1]
    (folder / "node_modules/x/index.js").write_text("")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/app.pyc").write_text("")
    (folder / ".git").mkdir()
    assert invoke(client, name).payload == ["warm", 2]


def test_a_running_invocation_finishes_on_old_code(make_server, folder, language):
    app = folder / FILE[language]
    app.write_text(code(language, "old"))
    server = dev(make_server, folder)
    client, logs = server.client(), server.client("logs")
    name = bound(client, language, folder, Timeout=60)
    assert invoke(client, name).payload == ["old", 1]
    answers = []
    running = threading.Thread(target=lambda: answers.append(invoke(client, name, {"until": "go"}).payload))
    running.start()
    wait_until(lambda: sum(line.startswith("START") for line in log_lines(logs, name)) == 2, "it runs")
    app.write_text(code(language, "new"))
    assert invoke(client, name).payload == ["new", 1]
    assert running.is_alive()
    (folder / "go").touch()
    running.join(60)
    assert answers and answers[0][0] == "old"
    # Its environment ran old code, so it is gone, as is the one before the last file.
    assert invoke(client, name).payload == ["new", 1]
    assert invoke(client, name).payload == ["new", 2]


def build(folder, language, word):
    """Makes a folder as a build does, with the folders above it."""
    folder.mkdir(parents=True)
    (folder / FILE[language]).write_text(code(language, word))


def test_dev_runs_what_was_deleted_and_built_anew(make_server, folder, language):
    dist = folder / "g/dist"
    build(dist, language, "first")
    server = make_server().start([dist])
    client = server.client()
    wait_until(lambda: any("created dist" in line for line in server.output), "it is deployed")
    assert invoke(client, "dist").payload == ["first", 1]
    for number in range(5):
        shutil.rmtree(dist)
        build(dist, language, f"build {number}")
        assert invoke(client, "dist").payload == [f"build {number}", 1]
        assert invoke(client, "dist").payload == [f"build {number}", 2]
    # What was built is watched as what was there first.
    (dist / FILE[language]).write_text(code(language, "saved"))
    assert invoke(client, "dist").payload == ["saved", 1]


def test_a_folder_above_is_replaced(make_server, folder, language):
    dist = folder / "g/dist"
    build(dist, language, "old")
    server = dev(make_server, folder)
    client, logs = server.client(), server.client("logs")
    name = bound(client, language, dist, Timeout=60)
    assert invoke(client, name).payload == ["old", 1]
    answers = []
    running = threading.Thread(target=lambda: answers.append(invoke(client, name, {"until": "go"}).payload))
    running.start()
    wait_until(lambda: sum(line.startswith("START") for line in log_lines(logs, name)) == 2, "it runs")
    (folder / "g").rename(folder / "gold")
    build(dist, language, "new")
    assert invoke(client, name).payload == ["new", 1]
    assert running.is_alive()
    (folder / "gold/dist/go").touch()
    running.join(60)
    assert answers == [["old", 2]]
    assert invoke(client, name).payload == ["new", 2]


def test_a_folder_that_is_gone_is_named_until_it_is_back(make_server, folder):
    dist, away = folder / "g/dist", folder / "away"
    build(dist, "python", "here")
    client = dev(make_server, folder).client()
    name = bound(client, "python", dist)
    assert invoke(client, name).payload == ["here", 1]
    gone = re.escape(f"The folder {dist} is not there any more.")
    for what in [dist, folder / "g"]:
        what.rename(away)
        with pytest.raises(client.exceptions.ServiceException, match=gone):
            invoke(client, name)
        away.rename(what)
        assert invoke(client, name).payload == ["here", 1]
    shutil.rmtree(dist)
    with pytest.raises(client.exceptions.ServiceException, match=gone):
        invoke(client, name)
    # What may not be shown is not shown in its place.
    dist.symlink_to("/etc")
    with pytest.raises(client.exceptions.ServiceException, match="is not below one that this server may show"):
        invoke(client, name)
    dist.unlink()
    build(dist, "python", "back")
    assert invoke(client, name).payload == ["back", 1]


def test_what_only_its_owner_may_read(make_server, folder, language):
    os.chown(folder, OWNER, OWNER)
    folder.chmod(0o700)
    save(folder / FILE[language], code(language, "private"))
    client = dev(make_server, folder).client()
    assert invoke(client, bound(client, language, folder)).payload == ["private", 1]


@pytest.mark.walls
def test_the_folder_cannot_be_written_to(make_server, folder):
    (folder / "app.py").write_text("""
import os
def handler(event, context):
    try:
        open("/var/task/app.py", "a")
    except OSError as error:
        return os.strerror(error.errno)
""")
    # Its owner might, and the function is shown it as its own.
    os.chown(folder / "app.py", folder.stat().st_uid, folder.stat().st_gid)
    client = dev(make_server, folder).client()
    assert invoke(client, bound(client, "python", folder)).payload == "Read-only file system"


def test_from_a_package_to_a_folder_and_back(make_server, folder):
    (folder / "app.py").write_text(code("python", "folder"))
    client = dev(make_server, folder).client()
    name = create(client, python(code("python", "package")))
    assert invoke(client, name).payload == ["package", 1]
    updated = client.get_waiter("function_updated_v2")
    client.update_function_code(FunctionName=name, S3Bucket="hot-reload", S3Key=str(folder))
    updated.wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    assert invoke(client, name).payload == ["folder", 1]
    assert client.get_function(FunctionName=name)["Code"]["Location"] == f"file://{folder}"
    (folder / "app.py").write_text(code("python", "saved"))
    assert invoke(client, name).payload == ["saved", 1]
    client.update_function_code(FunctionName=name, ZipFile=python(code("python", "package")))
    updated.wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    assert invoke(client, name).payload == ["package", 1]


def test_other_folders_are_refused(make_server, folder):
    (folder / "link").symlink_to("/etc")
    client = dev(make_server, folder).client()
    for path, why in [
        ("/etc", "is not below one that this server may show"),
        (f"{folder}/link", "is not below one that this server may show"),
        (f"{folder}/../..", "is not below one that this server may show"),
        (f"{folder}/nowhere", "cannot be opened"),
        ("app", "must be absolute"),
    ]:
        with pytest.raises(client.exceptions.InvalidParameterValueException, match=why):
            bound(client, "python", path)


# Mounts, where only what it starts sees it, a file system that cannot show files as another user's.
ON_RAMFS = """#!/bin/sh
exec unshare --mount sh -c 'mount -t ramfs ramfs "$0" && cp "$0.py" "$0/app.py" && exec "$@"' "{place}" "{binary}" "$@"
"""


@pytest.mark.skipif(TIER != "sandbox", reason="without root no owner is translated")
def test_a_package_is_deployed_where_owners_cannot_be_translated(make_server, folder, monkeypatch):
    place, program = folder / "place", folder / "hearth"
    place.mkdir()
    (folder / "place.py").write_text(code("python", "packed"))
    program.write_text(ON_RAMFS.format(place=place, binary=server.BINARY))
    program.chmod(0o755)
    monkeypatch.setattr(server, "BINARY", program)
    started = make_server().start([place])
    wait_until(lambda: any("created place" in line for line in started.output), "it is deployed")
    warning = next(line for line in started.output if "is deployed as a package" in line)
    assert "its file system cannot show its files as another user's" in warning
    client = started.client()
    assert invoke(client, "place").payload == ["packed", 1]
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="cannot show its files as another"):
        bound(client, "python", place)


@pytest.mark.skipif(TIER == "process", reason="there is no serve in the tier process")
def test_serve_shows_no_folder(make_server, folder):
    server = make_server(mode="serve").start()
    client = server.root_client()
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="does not support code in S3"):
        bound(client, "python", folder)


def test_a_restarted_server_shows_it_again(make_server, folder):
    (folder / "app.py").write_text(code("python", "before"))
    server = dev(make_server, folder)
    name = bound(server.client(), "python", folder)
    assert invoke(server.client(), name).payload == ["before", 1]
    server.kill()
    (folder / "app.py").write_text(code("python", "after"))
    client = server.start().client()
    assert invoke(client, name).payload == ["after", 1]
    # Where it is not allowed any more, the function says so.
    server.kill()
    server.args = []
    client = server.start().client()
    with pytest.raises(client.exceptions.ServiceException, match="is not below one that this server may show"):
        invoke(client, name)
