"""`hearth init` and `hearth completions`: what they write works."""

import json
import os
import shutil
import subprocess

import pytest

from server import BINARY, ROOT, clean_environment
from web import Visitor

GREETING = {"message": "Hello, Ada!"}


def hearth(*arguments, status=0, **options):
    done = subprocess.run(
        [str(BINARY), *map(str, arguments)], capture_output=True, text=True, timeout=120, env=clean_environment(),
        **options,
    )
    assert done.returncode == status, (arguments, done)
    return done


def initialise(tmp_path, template):
    folder = tmp_path / f"{template}-{os.getpid()}-{tmp_path.name[-6:]}"
    done = hearth("init", folder, "--template", template)
    assert str(folder / "README.md") in done.stdout.splitlines()
    assert f"\n  hearth dev {folder}\n" in done.stderr
    return folder


def try_out(server, folder):
    """Deploys a folder, and uses it in both ways, as its README says."""
    here = ("--endpoint", server.endpoint)
    hearth("deploy", folder, *here)
    done = hearth("invoke", folder.name, "-d", f"@{folder / 'event.json'}", "--tail", *here)
    assert "greeting Ada" in done.stderr
    assert "Ada" in json.loads(done.stdout)["body"]
    url = hearth("url", folder.name, *here).stdout.strip()
    with Visitor(server, url) as visitor:
        reply = visitor.fetch("GET", "/?name=Ada")
        assert reply.status == 200 and b"Hello, Ada!" in reply.body
    return done.stdout


@pytest.mark.parametrize("template, needs", [("nodejs", "node"), ("python", "python3"), ("shell", "curl")])
def test_a_template_works(server, tmp_path, template, needs):
    if not shutil.which(needs):
        pytest.skip(f"{needs} is not installed")
    try_out(server, initialise(tmp_path, template))


def test_the_rust_template_works(server, tmp_path):
    if not shutil.which("cargo"):
        pytest.skip("cargo is not installed")
    folder = initialise(tmp_path, "rust")
    assert "bootstrap" in hearth("deploy", folder, "--endpoint", server.endpoint, status=1).stderr
    target = ROOT / "target/template"
    build = subprocess.run(
        ["cargo", "build", "--quiet"], cwd=folder, capture_output=True, text=True, timeout=540,
        env=clean_environment(CARGO_TARGET_DIR=target, CARGO_PROFILE_DEV_DEBUG="0"),
    )
    if build.returncode != 0 and ("registry" in build.stderr or "download" in build.stderr):
        pytest.skip("the crates of the template cannot be fetched from here")
    assert build.returncode == 0, build.stderr
    shutil.copy(target / "debug/bootstrap", folder)
    try_out(server, folder)


def test_nothing_is_overwritten(tmp_path):
    folder = initialise(tmp_path, "python")
    (folder / "app.py").write_text("theirs")
    done = hearth("init", folder, "--template", "python", status=64)
    assert "app.py is there already; nothing was written" in done.stderr
    assert (folder / "app.py").read_text() == "theirs"
    assert "already" in hearth("init", "--template", "nodejs", status=64, cwd=folder).stderr


def test_the_language_must_be_named(tmp_path):
    hearth("init", tmp_path / "new", status=64)
    hearth("init", tmp_path / "new", "--template", "cobol", status=64)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions(shell, tmp_path):
    script = hearth("completions", shell).stdout
    assert "deploy" in script and "url" in script
    assert "warden" not in script, "hidden commands stay hidden"
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed: its script was not run")
    path = tmp_path / "hearth-completions"
    path.write_text(script)
    done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("word, commands", [("de", {"dev", "deploy"}), ("se", {"serve"}), ("comp", {"completions"})])
def test_bash_completes(word, commands):
    script = hearth("completions", "bash").stdout
    ask = f"""{script}
COMP_WORDS=(hearth {word})
COMP_CWORD=1
_hearth hearth {word} hearth
echo "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, timeout=60)
    assert set(done.stdout.split()) == commands, done


@pytest.mark.parametrize("command", ["dev", "serve", "doctor"])
@pytest.mark.parametrize("flag, word, words", [
    ("--isolation", "", {"auto", "sandbox", "rootless", "process"}),
    ("--isolation", "ro", {"rootless"}),
    ("--cpu-policy", "", {"weight", "quota"}),
])
def test_bash_completes_the_words_of_settings(command, flag, word, words):
    script = hearth("completions", "bash").stdout
    ask = f"""{script}
COMP_WORDS=(hearth {command} {flag} "{word}")
COMP_CWORD=3
_hearth hearth "{word}" {flag}
echo "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, timeout=60)
    assert set(done.stdout.split()) == words, done
