"""Where `hearth dev` keeps its data: not in the folder that functions are shown, so that an ordinary user has hot reload."""

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest

from functions import invoke
from server import wait_until
from tier import TIER, give

pytestmark = pytest.mark.every_tier

# Says a word, and what there is in the folder.
APP = """
import os

def handler(event, context):
    return ["{word}", sorted(os.listdir(os.environ["LAMBDA_TASK_ROOT"]))]
"""


@pytest.fixture
def home():
    """A home of the user of the servers."""
    made = Path(tempfile.mkdtemp(prefix="hearth-home-"))
    give(made)
    yield made
    shutil.rmtree(made, ignore_errors=True)


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
