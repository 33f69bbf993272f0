"""Which tier of isolation a server gets, and what it says where it gets none."""

import json
import os
import shutil
import subprocess
import urllib.request

import pytest

from functions import create, invoke, python
from server import BINARY, clean_environment
from tier import NOBODY, TIER, process_options

pytestmark = pytest.mark.every_tier


def hearth(*arguments, as_nobody=False, cwd="/", wrapper=()):
    options = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if as_nobody else process_options()
    command = [*wrapper, str(BINARY), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=clean_environment(), cwd=cwd, timeout=60, **options)


def test_the_tier_is_told(server):
    with urllib.request.urlopen(f"{server.endpoint}/health") as answer:
        assert json.load(answer)["isolation"] == TIER


@pytest.mark.skipif(TIER == "process", reason="nobody gets the tier process unasked")
def test_auto_is_the_strongest_tier_the_user_can_have(sandbox_tier):
    assert json.loads(hearth("doctor", "--json").stdout)["isolation"] == TIER


def test_doctor_names_what_is_weaker(sandbox_tier):
    found = json.loads(hearth("doctor", "--json", "--isolation", TIER).stdout)
    assert found["tiers"][TIER] is True
    assert bool(found["weaknesses"]) == (TIER != "sandbox")
    assert ("  weaker  " in hearth("doctor", "--isolation", TIER).stdout) == (TIER != "sandbox")


def test_doctor_names_what_the_other_tiers_lack(sandbox_tier):
    tiers = json.loads(hearth("doctor", "--json", "--isolation", TIER).stdout)["tiers"]
    lines = hearth("doctor", "--isolation", TIER).stdout.splitlines()
    for tier in tiers.keys() - {TIER}:
        works = "works, and isolates nothing" if tier == "process" else "works"
        verdict = works if tiers[tier] else "does not work here"
        after = lines.index(f"isolation tier {tier}: {verdict}") + 1
        assert lines[after].startswith("  missing  ") != tiers[tier], lines


@pytest.mark.parametrize("wrong", ["none", "processes", "Sandbox", ""])
def test_another_word_is_no_tier(tmp_path, wrong):
    done = hearth("dev", "--ephemeral", "--isolation", wrong, "--listen", "127.0.0.1:0")
    assert done.returncode == 64 and "auto, sandbox, rootless or process" in done.stderr, done


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_an_ordinary_user_cannot_have_the_tier_sandbox():
    done = hearth("dev", "--ephemeral", "--isolation", "sandbox", "--listen", "127.0.0.1:0", as_nobody=True)
    assert done.returncode == 69 and "start it as root" in done.stderr, done


@pytest.mark.skipif(os.geteuid() != 0 or TIER != "sandbox", reason="for root")
def test_root_cannot_have_the_tier_rootless():
    done = hearth("dev", "--ephemeral", "--isolation", "rootless", "--listen", "127.0.0.1:0")
    assert done.returncode == 69 and "root has the tier sandbox" in done.stderr, done


@pytest.mark.skipif(TIER == "sandbox", reason="for tiers without control groups")
def test_a_quota_needs_control_groups(sandbox_tier):
    done = hearth("dev", "--ephemeral", "--isolation", TIER, "--cpu-policy", "quota", "--listen", "127.0.0.1:0")
    assert done.returncode == 64 and "control groups" in done.stderr, done


@pytest.mark.skipif(TIER != "rootless" or not shutil.which("setpriv"), reason="for the tier rootless, with setpriv")
def test_what_forbids_user_namespaces_is_named(sandbox_tier):
    # The limit counts for a user namespace and all below it, so it can be set for this process alone.
    forbid = ("unshare", "-Ur", "sh", "-c", "echo 0 > /proc/sys/user/max_user_namespaces && "
              'exec setpriv --bounding-set=-all "$@"', "sh")
    done = hearth("dev", "--ephemeral", "--isolation", "rootless", "--listen", "127.0.0.1:0", wrapper=forbid)
    assert done.returncode == 69 and "sysctl -w user.max_user_namespaces" in done.stderr, done


# No namespace of mounts comes with this one, and of all users root alone exists in it.
INSIDE = ("unshare", "--net", "--user", "--map-root-user")
# The limit counts for this user namespace and all below it.
WITHOUT_ANY_BELOW = (*INSIDE, "--mount", "sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', "sh")


def says_what_is_missing(tier, advice, wrapper):
    """`doctor` does, and so does a server that cannot start, with the last resort."""
    told = hearth("doctor", "--isolation", tier, wrapper=wrapper)
    assert told.returncode == 1 and f"isolation tier {tier}: does not work here" in told.stdout, told
    done = hearth("dev", "--ephemeral", "--isolation", tier, "--listen", "127.0.0.1:0", wrapper=wrapper)
    assert done.returncode == 69 and "hearth dev --isolation process" in done.stderr, done
    assert advice in told.stdout and advice in done.stderr, (told, done)


@pytest.mark.skipif(TIER != "sandbox", reason="for the tier sandbox")
def test_users_that_do_not_exist_are_named(sandbox_tier):
    says_what_is_missing("sandbox", "the server's user 1899999999 (server-uid)", INSIDE)


@pytest.mark.skipif(TIER != "sandbox", reason="for the tier sandbox")
def test_mounts_that_root_cannot_make_are_named(sandbox_tier):
    says_what_is_missing("sandbox", "unshare --mount --pid --fork", INSIDE)


@pytest.mark.skipif(TIER != "rootless", reason="for the tier rootless")
def test_mounts_of_another_user_namespace_are_named(sandbox_tier):
    says_what_is_missing("rootless", "unshare --mount", INSIDE)


@pytest.mark.skipif(TIER != "rootless", reason="for the tier rootless")
def test_a_user_namespace_that_can_have_none_below_is_named(sandbox_tier):
    says_what_is_missing("rootless", "sysctl -w user.max_user_namespaces", WITHOUT_ANY_BELOW)


@pytest.mark.skipif(TIER != "rootless", reason="for the tier rootless")
def test_a_user_namespace_with_its_own_mounts_is_enough(sandbox_tier):
    told = hearth("doctor", "--json", "--isolation", "rootless", wrapper=(*INSIDE, "--mount"))
    assert json.loads(told.stdout)["tiers"]["rootless"] is True, told


@pytest.mark.skipif(TIER == "process", reason="the number of processes is not held to in the tier process")
def test_processes_end_with_their_function(client):
    """More processes than one may have are refused; those there are end with the environment."""
    name = create(client, python("""
        import os, signal

        def handler(event, context):
            made = 0
            try:
                while made < 3000:
                    if os.fork() == 0:
                        signal.pause()
                    made += 1
            except OSError as error:
                return [made, error.strerror]
    """), Timeout=60, MemorySize=1769)
    made, why = invoke(client, name).payload
    assert 900 < made <= 1024 and why == "Resource temporarily unavailable"


def test_memory_that_grows_slowly_is_bounded(client):
    """Pieces that are small in themselves, and memory of children, count together."""
    name = create(client, python("""
        import os, signal, time

        def handler(event, context):
            kept = []
            for turn in range(event["children"]):
                if os.fork() == 0:
                    break
            for piece in range(200):
                kept.append(bytearray(b"x") * (1 << 20))
                time.sleep(0.002)
            signal.pause()
    """), Timeout=60, MemorySize=256)
    answer = invoke(client, name, {"children": 2})
    assert answer.error == "Unhandled" and answer.payload["errorType"] == "Runtime.ExitError", answer.payload
    assert "\tStatus: error\tError Type: Runtime.OutOfMemory" in answer.log, answer.log
