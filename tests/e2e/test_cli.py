"""The `hearth` command: deploy, invoke, logs, ls, show, rm, doctor. stdout is data, stderr is talk."""

import json
import shutil
import subprocess
import threading

import pytest

from functions import create, create_in_place, invoke, python, unique
from server import BINARY, clean_environment, wait_until

APP = "def handler(event, context):\n    print('hello', event.get('name'))\n    return {'hello': event.get('name')}\n"


@pytest.fixture
def hearth(server, tmp_path):
    def run(*arguments, status=0, stdin=None):
        done = subprocess.run(
            [str(BINARY), *map(str, arguments), "--endpoint", server.endpoint], capture_output=True, text=True,
            input=stdin, timeout=60, cwd=tmp_path, env=clean_environment(),
        )
        assert done.returncode == status, (arguments, done)
        return done

    return run


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / unique("cli")
    made.mkdir()
    (made / "app.py").write_text(APP)
    return made


def test_a_folder_becomes_a_function(hearth, folder, client):
    done = hearth("deploy", folder, "--json", "--memory", "256", "--env", "COLOUR=blue")
    assert json.loads(done.stdout)["FunctionName"] == folder.name
    settings = client.get_function_configuration(FunctionName=folder.name)
    assert (settings["State"], settings["MemorySize"], settings["Handler"]) == ("Active", 256, "app.handler")
    assert settings["Environment"] == {"Variables": {"COLOUR": "blue"}}
    answer = hearth("invoke", folder.name, "-d", '{"name": "Ada"}', "--tail")
    assert json.loads(answer.stdout) == {"hello": "Ada"}
    assert "hello Ada" in answer.stderr and "REPORT RequestId" in answer.stderr
    (folder / "event.json").write_text('{"name": "file"}')
    assert json.loads(hearth("invoke", folder.name, "-d", f"@{folder / 'event.json'}").stdout) == {"hello": "file"}
    assert json.loads(hearth("invoke", folder.name, "-d", "-", stdin='{"name": "pipe"}').stdout) == {"hello": "pipe"}


# Writes words, a pause behind each, which keeps them apart, or a wait for a file.
STREAMS = """
const fs = require('fs');
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  for (const word of event.words) {
    stream.write(word);
    do {
      await new Promise((resolve) => setTimeout(resolve, event.until ? 10 : 500));
    } while (event.until && !fs.existsSync(event.until));
  }
  if (event.fails) {
    throw new RangeError('half way');
  }
  stream.end();
});
"""


@pytest.fixture
def streaming(tmp_path):
    """A folder with a function that streams."""
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    folder = tmp_path / unique("stream")
    folder.mkdir()
    (folder / "index.js").write_text(STREAMS)
    return folder


def test_a_streamed_response_is_written_as_it_comes(make_server, streaming):
    server = make_server(args=["--allow-folder", streaming]).start()
    name = create_in_place(server.client(), streaming, runtime="nodejs20.x", handler="index.handler", Timeout=60)
    event = json.dumps({"words": ["one ", "two ", "three"], "until": "/var/task/go"})
    running = subprocess.Popen(
        [str(BINARY), "invoke", name, "--stream", "--endpoint", server.endpoint, "-d", event],
        stdout=subprocess.PIPE, bufsize=0, env=clean_environment(),
    )
    assert running.stdout.read(64) == b"one "
    (streaming / "go").touch()
    assert running.stdout.read() == b"two three"
    assert running.wait(60) == 0


def test_a_streamed_response_that_fails(hearth, streaming):
    hearth("deploy", streaming, "--timeout", "30")
    streaming = streaming.name
    event = json.dumps({"words": ["one ", "two"], "fails": True})
    done = hearth("invoke", streaming, "--stream", "--tail", "-d", event, status=1)
    assert done.stdout == "one two"
    assert "half way" in done.stderr and "REPORT RequestId" in done.stderr
    done = hearth("invoke", streaming, "--stream", "--json", "-d", event, status=1)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[:-1] == [{"chunk": "one "}, {"chunk": "two"}]
    assert (lines[-1]["functionError"], lines[-1]["errorDetails"]["errorMessage"]) == ("Unhandled", "half way")
    assert "nobody" in hearth("invoke", "nobody", "--stream", status=1).stderr
    assert hearth("invoke", streaming, "--stream", "--async", status=64).stdout == ""


def test_deploying_again_updates_or_leaves(hearth, folder, client):
    hearth("deploy", folder)
    first = client.get_function_configuration(FunctionName=folder.name)
    hearth("deploy", folder)
    assert client.get_function_configuration(FunctionName=folder.name)["RevisionId"] == first["RevisionId"]
    (folder / "app.py").write_text("def handler(event, context):\n    return 2\n")
    hearth("deploy", folder)
    assert hearth("invoke", folder.name).stdout.strip() == "2"


def test_packages_are_deterministic_and_honour_ignore_files(hearth, folder, client):
    (folder / ".gitignore").write_text("*.secret\nnode_modules/\n")
    (folder / "a.secret").write_text("x")
    hearth("deploy", folder)
    first = client.get_function_configuration(FunctionName=folder.name)["CodeSha256"]
    (folder / "b.secret").write_text("y")
    (folder / "app.py").touch()
    hearth("deploy", folder, "--name", folder.name + "-2")
    assert client.get_function_configuration(FunctionName=folder.name + "-2")["CodeSha256"] == first


def test_a_failing_function_exits_1_and_an_unknown_one_says_so(hearth, folder):
    (folder / "app.py").write_text("def handler(event, context):\n    raise ValueError('no')\n")
    hearth("deploy", folder)
    done = hearth("invoke", folder.name, status=1)
    assert json.loads(done.stdout)["errorType"] == "ValueError"
    assert "Function not found" in hearth("invoke", "nowhere", status=1).stderr


def test_async_ls_show_rm(hearth, folder):
    hearth("deploy", folder)
    hearth("invoke", folder.name, "--async", "-d", '{"name": "later"}')
    wait_until(lambda: "hello later" in subprocess_logs(hearth, folder.name), "the event ran")
    assert folder.name in [f["FunctionName"] for f in json.loads(hearth("ls", "--json").stdout)]
    assert folder.name in hearth("ls").stdout
    assert json.loads(hearth("show", folder.name, "--json").stdout)["State"] == "Active"
    hearth("rm", folder.name)
    assert folder.name not in hearth("ls").stdout
    hearth("show", folder.name, status=1)


def subprocess_logs(hearth, name):
    try:
        return hearth("logs", name).stdout
    except AssertionError:
        return ""


def test_logs_follow(server, hearth, folder, tmp_path):
    hearth("deploy", folder)
    hearth("invoke", folder.name, "-d", '{"name": "one"}')
    following = subprocess.Popen(
        [str(BINARY), "logs", folder.name, "-f", "--endpoint", server.endpoint],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=clean_environment(), cwd=tmp_path,
    )
    seen = []
    reader = threading.Thread(target=lambda: [seen.append(line) for line in following.stdout])
    reader.start()
    try:
        wait_until(lambda: any("hello one" in line for line in seen), "what was there is shown")
        hearth("invoke", folder.name, "-d", '{"name": "two"}')
        wait_until(lambda: any("hello two" in line for line in seen), "what comes is shown")
    finally:
        following.kill()
        following.wait()
        reader.join()
        following.stdout.close()


def test_logs_shows_lines_while_the_function_runs(make_server, folder, tmp_path):
    (folder / "app.py").write_text("""
import os, time

def handler(event, context):
    print('early')
    while not os.path.exists('/var/task/go'):
        time.sleep(0.01)
""")
    server = make_server(args=["--allow-folder", folder]).start()
    client = server.client()
    name = create_in_place(client, folder, Timeout=60)
    following = subprocess.Popen(
        [str(BINARY), "logs", name, "-f", "--endpoint", server.endpoint],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=clean_environment(), cwd=tmp_path,
    )

    def read_up_to(text):
        lines = []
        while not any(text in line for line in lines):
            lines.append(following.stdout.readline())
            assert lines[-1], "it has ended"
        return lines

    try:
        client.invoke(FunctionName=name, InvocationType="Event")
        assert not any("END" in line for line in read_up_to("early"))
        (folder / "go").touch()
        read_up_to("END")
    finally:
        following.kill()
        following.wait()
        following.stdout.close()


def test_logs_by_pattern_and_group(server, hearth, client, tmp_path):
    group = unique("/shared")
    code = python("def handler(event, context):\n    print('one of', context.function_name)\n    print('two')\n")
    names = [create(client, code, LoggingConfig={"LogGroup": group}) for _ in range(2)]
    for name in names:
        invoke(client, name)
    own = hearth("logs", names[0], "--filter", "one").stdout
    assert names[0] in own and names[1] not in own and "two" not in own
    shared = hearth("logs", "--group", group, "--filter", '?"one of" ?two').stdout
    assert all(name in shared for name in names) and shared.count("two") == 2
    assert names[1] not in hearth("logs", names[0], "--group", group).stdout
    hearth("logs", names[0], "--filter", "{ $.a = }", status=1)
    assert "The specified log group does not exist" in hearth("logs", "--group", group + "x", status=1).stderr
    hearth("logs", status=64)


def test_node_is_recognised(hearth, tmp_path):
    made = tmp_path / unique("node")
    made.mkdir()
    (made / "package.json").write_text('{"type": "module", "main": "index.js"}')
    (made / "index.js").write_text("export const handler = async (event) => ({ type: 'module', event });\n")
    hearth("deploy", made)
    assert json.loads(hearth("invoke", made.name, "-d", "1").stdout) == {"type": "module", "event": 1}


def test_a_folder_that_is_no_function(hearth, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "empty" in hearth("deploy", empty, status=1).stderr


def test_without_a_server(tmp_path):
    done = subprocess.run([str(BINARY), "ls", "--endpoint", "http://127.0.0.1:9"], capture_output=True, text=True,
                          cwd=tmp_path, env=clean_environment(), timeout=60)
    assert done.returncode == 69 and "hearth dev" in done.stderr


def test_doctor_names_tier_and_runtimes(tmp_path):
    done = subprocess.run([str(BINARY), "doctor", "--json"], capture_output=True, text=True, cwd=tmp_path,
                          env=clean_environment(), timeout=60)
    report = json.loads(done.stdout)
    assert {requirement["name"] for requirement in report["requirements"]} >= {"privileges", "kernel", "seccomp", "outbound network"}
    assert all(requirement["met"] or requirement["advice"] for requirement in report["requirements"])
