"""Where `hearth dev` keeps its data: not in the folder that functions are shown, so that an ordinary user has hot reload."""

import atexit
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from functions import invoke
from server import BINARY, clean_environment, wait_until
from tier import TIER, give, process_options

pytestmark = pytest.mark.every_tier

# Says a word, and what there is in the folder.
APP = """
import os

def handler(event, context):
    return ["{word}", sorted(os.listdir(os.environ["LAMBDA_TASK_ROOT"]))]
"""

# Says which files in the folder it can find.
FINDS = """
import os

def handler(event, context):
    root = os.environ["LAMBDA_TASK_ROOT"]
    return sorted(os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names)
"""

# What is said of a data directory in a folder that is packed.
LEFT_OUT = " is left out: it is the data directory of a server"


@pytest.fixture
def home():
    """A home of the user of the servers, which may still write into it when the test has ended."""
    made = Path(tempfile.mkdtemp(prefix="hearth-home-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    give(made)
    return made


@pytest.fixture
def dev(make_server):
    """`hearth dev .` in a folder with a function, without a word about data."""

    def start(**environment):
        server = make_server(environment={"XDG_STATE_HOME": ""} | environment)
        server.data_args = []
        (server.data_dir / "app.py").write_text(APP.format(word="first"))
        return begin(server)

    return start


def begin(server):
    server.start(["."])
    wait_until(lambda: any("try:" in line for line in server.output), "what to try is said")
    return server


def kept(server):
    """Where the server says that it keeps its data."""
    said = re.search("kept in (.*)", "\n".join(server.output))
    return Path(said.group(1))


def call(server):
    return invoke(server.client(), server.data_dir.name).payload


def test_the_folder_is_shown_and_nothing_else_is_in_it(dev, home):
    server = dev(HOME=home)
    folder = server.data_dir
    assert kept(server).parent == home / ".local/state/hearth" and kept(server).name.startswith(f"{folder.name}-")
    assert any(f"{folder} as it is" in line for line in server.output), server.output
    assert call(server) == ["first", ["app.py"]]
    (folder / "app.py").write_text(APP.format(word="saved"))
    assert call(server) == ["saved", ["app.py"]]
    assert os.listdir(folder) == ["app.py"]
    # It is the same place next time.
    place = kept(server)
    revision = server.client().get_function_configuration(FunctionName=folder.name)["RevisionId"]
    server.stop()
    assert kept(begin(server)) == place
    assert server.client().get_function_configuration(FunctionName=folder.name)["RevisionId"] == revision


def test_the_state_directory_can_be_named(dev, home):
    server = dev(HOME=home, XDG_STATE_HOME=home / "state")
    assert kept(server).parent == home / "state/hearth"
    assert call(server)[0] == "first"


@pytest.mark.parametrize("whose", ["nobody's", "somebody else's"])
def test_without_a_home_it_is_kept_here(dev, home, whose):
    if whose == "nobody's":
        server = dev(HOME="/nonexistent")
    elif os.geteuid() == 0:
        os.chown(home, 1000, 1000)
        server = dev(HOME=home)
    else:
        server = dev(HOME="/")
    assert kept(server) == server.data_dir / ".hearth" and not os.listdir(home)
    assert_works_with_data_here(server)


def test_what_is_kept_here_already_stays(make_server, home):
    server = make_server(environment={"HOME": home, "XDG_STATE_HOME": ""})
    server.data_args = ["--data-dir", server.data_dir / ".hearth"]
    (server.data_dir / "app.py").write_text(APP.format(word="first"))
    begin(server).stop()
    server.data_args = []
    begin(server)
    assert kept(server) == server.data_dir / ".hearth" and not os.listdir(home)
    assert_works_with_data_here(server)


def assert_works_with_data_here(server):
    """Keys lie in the folder now: functions cannot read them, so an ordinary user's do not see the folder itself. Without
    isolation they can read it anyway."""
    assert call(server)[0] == "first"
    is_package = any("is deployed as a package" in line for line in server.output)
    assert is_package == (TIER == "rootless"), server.output


def refused(*arguments, cwd="/", **variables):
    """What `hearth dev` says that does not start."""
    command = [str(BINARY), "dev", "--listen", "127.0.0.1:0", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60, env=clean_environment(**variables),
                          **process_options())
    assert done.returncode != 0 and "listening on" not in done.stderr, done
    return done


@pytest.mark.skipif(os.geteuid() != 0 or TIER != "sandbox", reason="root alone has two tiers with a user each")
@pytest.mark.parametrize("tier, others, owner", [("process", "sandbox", 1_899_999_999), ("sandbox", "process", 0)])
def test_tiers_of_different_users_do_not_share_a_directory(sandbox_tier, home, tier, others, owner):
    data = home / "data"
    data.mkdir()
    (data / "file").touch()
    os.chown(data, owner, owner)
    done = refused("--isolation", tier, "--data-dir", data)
    assert done.returncode == 64, done
    assert f"user {owner}, as the tier {others} has it; the tier {tier} has another user" in done.stderr, done
    assert "a directory of its own with --data-dir" in done.stderr, done


@pytest.mark.parametrize("arguments", [["--ephemeral"], ["--isolation", "process"]])
def test_a_temporary_directory_that_is_not_there_is_named(home, arguments):
    done = refused(*arguments, cwd=home, TMPDIR=home / "nowhere", HOME=home, XDG_STATE_HOME="")
    assert done.returncode == 69, done
    assert f"cannot make a temporary directory in {home}/nowhere" in done.stderr and "in TMPDIR" in done.stderr, done


@pytest.mark.skipif(TIER != "process", reason="for the tier whose functions find such a directory")
@pytest.mark.parametrize("named", ["", "."])
def test_a_temporary_directory_need_not_be_absolute(dev, home, named):
    server = dev(HOME=home, TMPDIR=named)
    assert call(server)[0] == "first"


@pytest.mark.parametrize("what, why", [("empty", "is not a function"), ("nowhere", "cannot be read"),
                                       ("unfinished", "no handler found")])
def test_a_named_folder_without_a_function_starts_nothing(home, what, why):
    for name in "good", "empty", "unfinished":
        (home / name).mkdir()
    (home / "good/app.py").write_text(APP.format(word="first"))
    (home / "unfinished/app.py").write_text("# nothing yet\n")
    done = refused("good", what, cwd=home, HOME=home, XDG_STATE_HOME="")
    assert done.returncode == 64 and what in done.stderr and why in done.stderr, done
    assert not (home / ".local").exists()


def with_data_here(make_server, home, data):
    """A server, not started, whose data directory is in its working directory, which is a function's folder too."""
    server = make_server(environment={"HOME": home, "XDG_STATE_HOME": ""})
    server.data_args = ["--data-dir", data]
    (server.data_dir / "app.py").write_text(FINDS)
    return server


def assert_shown_or_left_out(server, data, why):
    """Functions find nothing of a data directory, unless there is no isolation. An ordinary user's get a package."""
    assert (data / "keys/seal.key").exists()
    found = call(server)
    assert found == ["app.py"] or TIER == "process", found
    warnings = [line for line in server.output if "is deployed as a package" in line]
    assert [why in line for line in warnings] == [True] * (TIER == "rootless"), server.output
    assert server.output.count(f"{data}{LEFT_OUT}") == len(warnings), server.output


def test_data_of_any_name_in_the_folder_is_not_packed(make_server, home):
    server = begin(with_data_here(make_server, home, "./data"))
    assert_shown_or_left_out(server, server.data_dir / "data", "holds the data directory")
    code = server.client().get_function_configuration(FunctionName=server.data_dir.name)["CodeSha256"]
    server.stop()
    # What the server wrote meanwhile is no new code.
    begin(server)
    assert_shown_or_left_out(server, server.data_dir / "data", "holds the data directory")
    assert server.client().get_function_configuration(FunctionName=server.data_dir.name)["CodeSha256"] == code


def test_data_of_another_server_in_the_folder_is_not_for_functions(make_server, home):
    server = with_data_here(make_server, home, "deep/state")
    (server.data_dir / "deep").mkdir()
    give(server.data_dir / "deep")
    server.start()
    server.stop()
    server.data_args = []
    begin(server)
    assert kept(server).is_relative_to(home)
    assert_shown_or_left_out(server, server.data_dir / "deep/state", "of another server")


def test_data_that_another_server_makes_in_a_shown_folder_is_not_for_functions(make_server, home):
    server = with_data_here(make_server, home, "./.hearth")
    server.data_args = []
    begin(server)
    assert call(server) == ["app.py"]
    later = make_server(data_dir=server.data_dir)
    later.data_args = ["--data-dir", ".hearth"]
    later.start()
    if TIER == "rootless":
        client = server.client()
        with pytest.raises(client.exceptions.ServiceException, match="of another server"):
            invoke(client, server.data_dir.name)
    else:
        assert call(server) == ["app.py"] or TIER == "process"


def test_a_deployed_folder_is_packed_without_data(make_server, home):
    server = with_data_here(make_server, home, "./state").start()

    def deploy():
        done = subprocess.run(
            [str(BINARY), "deploy", ".", "--endpoint", server.endpoint], capture_output=True, text=True,
            timeout=60, cwd=server.data_dir, env=clean_environment(HOME=home), **process_options(),
        )
        assert done.returncode == 0, done
        return done.stderr

    told = f"{server.data_dir / 'state'}{LEFT_OUT}\n"
    assert told in deploy()
    assert call(server) == ["app.py"]
    # No rule brings it in.
    (server.data_dir / ".hearthignore").write_text("!state\n!seal.key\n")
    said = deploy()
    assert told in said and "unchanged" in said
