"""Where functions can connect to, and where they cannot: to hosts that the tests make themselves, and nowhere else."""

import json
import socket
import subprocess
import textwrap

import pytest
from botocore.exceptions import ClientError

import far
from functions import create, invoke, python, unique
from server import BINARY, Server, clean_environment, wait_until

# Does what the event says, one step after the other in one environment, and tells how each ended.
PROBE = """
    import http.client, socket, time

    kept = []

    def connect(host, port, **_):
        with socket.create_connection((host, port), 20) as client:
            client.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
            return client.recv(100).decode()

    def get(host, port=8080, **_):
        connection = http.client.HTTPConnection(host, port, timeout=20)
        connection.request("GET", "/")
        return connection.getresponse().read().decode()

    def echo(host, port, size, **_):
        with socket.create_connection((host, port), 20) as client:
            import threading
            sender = threading.Thread(target=lambda: (client.sendall(b"x" * size), client.shutdown(socket.SHUT_WR)))
            sender.start()
            count, tail = 0, b""
            while data := client.recv(65536):
                count, tail = count + len(data), (tail + data)[-7:]
            sender.join()
            return [count, tail.decode()]

    def lookup(name, family="AF_UNSPEC", **_):
        found = socket.getaddrinfo(name, 80, getattr(socket, family), socket.SOCK_STREAM)
        return sorted({address[4][0] for address in found})

    def query(message, transport, **_):
        message = bytes.fromhex(message)
        if transport == "udp":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(10)
                client.sendto(message, ("169.254.100.1", 53))
                return client.recv(65536).hex()
        with socket.create_connection(("169.254.100.1", 53), 10) as client:
            client.sendall(len(message).to_bytes(2, "big") + message)
            stream = client.makefile("rb")
            return stream.read(int.from_bytes(stream.read(2), "big")).hex()

    def datagram(host, port, **_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            client.connect((host, port))
            client.send(b"hello")
            return client.recv(100).decode()

    def keep(host, port, **_):
        kept.append(socket.create_connection((host, port), 20))
        kept[-1].sendall(b"x")
        return kept[-1].recv(1).decode()

    def handler(event, context):
        results = []
        for step in event["steps"]:
            started = time.monotonic()
            try:
                result = globals()[step["do"]](**step)
            except OSError as error:
                result = {"error": type(error).__name__, "text": str(error)}
            took = time.monotonic() - started
            results.append({"result": result, "took": took})
        return results
"""


def outbound_is_missing():
    """Why functions cannot connect out here, or None."""
    done = subprocess.run([BINARY, "doctor", "--json"], capture_output=True, text=True, env=clean_environment())
    (outbound,) = [one for one in json.loads(done.stdout)["requirements"] if one["name"] == "outbound network"]
    return None if outbound["met"] else f"functions do not connect out on this machine: {outbound['advice']}"


@pytest.fixture(scope="module")
def far_host(sandbox_tier):
    reason = far.missing() or outbound_is_missing()
    if reason:
        pytest.skip(reason)
    with far.FarHost() as host:
        yield host


@pytest.fixture(scope="module")
def server(sandbox_tier, far_host):
    with Server(args=["--dns-servers", far_host.name_server]) as running:
        yield running.start()


@pytest.fixture(scope="module")
def probe(client):
    """Runs steps in a function with a policy; each policy has one function."""
    functions = {}

    def run(policy, *steps):
        if policy not in functions:
            tags = {"Tags": {"hearth:network": policy}} if policy else {}
            functions[policy] = create(client, python(PROBE), Timeout=60, **tags)
        answer = invoke(client, functions[policy], {"steps": steps})
        assert answer.error is None, answer.payload
        results = answer.payload
        return results[0]["result"] if len(results) == 1 else [result["result"] for result in results]

    run.functions = functions
    return run


def step(do, **more):
    return {"do": do} | more


def is_broken(result):
    """A connection that was not carried ends at once and with an error."""
    return isinstance(result, dict) and result["error"] in ("ConnectionResetError", "ConnectionRefusedError",
                                                            "BrokenPipeError")


def is_unknown(result):
    return isinstance(result, dict) and result["error"] == "gaierror"


@pytest.mark.parametrize("policy", [None, "allow"])
def test_functions_reach_other_hosts(probe, far_host, policy):
    assert probe(policy, step("get", host=far_host.address)) == f"hello from {far_host.address}:8080"
    assert probe(policy, step("get", host=far_host.six)) == f"hello from [{far_host.six}]:8080"


def test_names_are_looked_up_and_reached(probe, far_host):
    looked_up, four, got = probe(
        "allow",
        step("lookup", name="api.test"),
        step("lookup", name="api.test", family="AF_INET"),
        step("get", host="API.test"),
    )
    assert looked_up == sorted([far_host.address, far_host.six]) and four == [far_host.address]
    assert got == "hello from API.test:8080"
    assert is_unknown(probe("allow", step("lookup", name="nothing.test")))


def test_both_directions_are_carried_whole_and_end_apart(probe, far_host):
    size = 5_000_000
    result = probe("allow", step("echo", host=far_host.address, port=far_host.ECHO, size=size))
    # What comes after the function has closed its direction arrives too.
    assert result == [size + len("the end"), "the end"]


def test_a_port_nobody_listens_on_breaks_at_once(client, probe, far_host):
    answer = invoke(client, _function(probe, "allow"), {"steps": [step("connect", host=far_host.address, port=9)]})
    (outcome,) = answer.payload
    assert is_broken(outcome["result"]) and outcome["took"] < 5


def _function(probe, policy):
    probe(policy)
    return probe.functions[policy]


def test_without_a_network_everything_breaks_at_once(client, probe, far_host):
    steps = [step("connect", host=host, port=8080) for host in (far_host.address, far_host.six, "192.0.2.1")]
    steps += [step("lookup", name=name) for name in ("api.test", "nothing.test")]
    outcomes = invoke(client, _function(probe, "none"), {"steps": steps}).payload
    assert all(is_broken(outcome["result"]) for outcome in outcomes[:3]), outcomes
    assert all(is_unknown(outcome["result"]) for outcome in outcomes[3:]), outcomes
    assert all(outcome["took"] < 5 for outcome in outcomes)


def test_ones_own_loopback_and_localhost_work_under_every_policy(client):
    code = """
        import socket, threading

        def handler(event, context):
            with socket.create_server(("127.0.0.1", 0)) as server:
                def answer():
                    client, _ = server.accept()
                    client.sendall(b"mine")
                    client.close()
                threading.Thread(target=answer).start()
                with socket.create_connection(("localhost", server.getsockname()[1]), 10) as client:
                    return client.recv(10).decode()
    """
    for policy in ("none", "allow", "api.test"):
        name = create(client, python(code), Timeout=20, Tags={"hearth:network": policy})
        assert invoke(client, name).payload == "mine"


@pytest.mark.parametrize("policy", ["none", "allow", "0.0.0.0/0 ::/0", "near.test loopback.test metadata.test"])
def test_the_hosts_own_addresses_are_out_of_reach(probe, far_host, server, policy):
    """Whatever the policy says, and by whatever way the address was found."""
    with socket.socket() as everywhere, socket.socket(socket.AF_INET6) as six:
        everywhere.bind(("0.0.0.0", 0))
        everywhere.listen()
        port = everywhere.getsockname()[1]
        six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        six.bind(("::", port))
        six.listen()
        api = int(server.endpoint.rsplit(":", 1)[1])
        places = [(far_host.near, port), (far_host.near_six, port), (f"::ffff:{far_host.near}", port),
                  ("127.0.0.1", port), ("127.0.0.1", api), ("::1", port), ("::ffff:127.0.0.1", api), ("0.0.0.0", port),
                  ("::", port), ("127.9.9.9", port), (host_address(), port)]
        # Not even asked for: link-local, multicast, broadcast and metadata addresses.
        places += [("169.254.169.254", 80), ("169.254.1.1", port), ("169.254.100.1", port), ("::ffff:169.254.1.1", port)]
        reached = probe(policy, *[step("connect", host=host, port=port) for host, port in places])
        wrong = [place for place, result in zip(places, reached) if not is_broken(result)]
        assert not wrong, (wrong, reached)
        for one in (everywhere, six):
            one.settimeout(0)
            with pytest.raises(BlockingIOError):
                one.accept()


def host_address():
    """An address of this machine that is not loopback's, if it has one. Asking for it sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))
            return asking.getsockname()[0]
        except OSError:
            return "127.0.0.1"


@pytest.mark.parametrize("policy", ["allow", "near.test loopback.test metadata.test mixed.test"])
def test_names_do_not_lead_back_to_the_host(probe, far_host, policy):
    rebound = probe(policy, *[step("lookup", name=name) for name in ("near.test", "loopback.test", "metadata.test")])
    assert all(is_unknown(result) for result in rebound), rebound
    # What is useless in an answer gives way to what is not.
    assert probe(policy, step("lookup", name="mixed.test")) == [far_host.address]
    assert probe(policy, step("get", host="mixed.test")) == "hello from mixed.test:8080"


def test_hosts_are_allowed_by_name_and_only_by_that(client, probe, far_host):
    policy = "api.test:8080 .api.test"
    before, got, after, other_port, other_name = probe(
        policy,
        step("connect", host=far_host.address, port=8080),
        step("get", host="api.test"),
        step("connect", host=far_host.address, port=8080),
        step("connect", host=far_host.address, port=far_host.ECHO),
        step("lookup", name="other.test"),
    )
    assert is_broken(before), "an address is nobody's before its name was asked for"
    assert got == "hello from api.test:8080" and after.startswith("HTTP/1")
    assert is_broken(other_port) and is_unknown(other_name)
    # A name below, on every port. Each environment knows only what it was told itself.
    fresh = create(client, python(PROBE), Timeout=60, Tags={"hearth:network": policy})
    early, deep, found = [
        outcome["result"]
        for outcome in invoke(client, fresh, {"steps": [
            step("connect", host=far_host.address, port=far_host.ECHO),
            step("lookup", name="deep.api.test"),
            step("echo", host="deep.api.test", port=far_host.ECHO, size=10),
        ]}).payload
    ]
    assert is_broken(early) and deep == [far_host.address] and found == [17, "the end"]


def test_networks_are_allowed_by_address(probe, far_host):
    reached, other_port, six, name = probe(
        f"{far_host.address}/31:8080",
        step("get", host=far_host.address),
        step("connect", host=far_host.address, port=far_host.ECHO),
        step("connect", host=far_host.six, port=8080),
        step("lookup", name="api.test"),
    )
    assert reached == f"hello from {far_host.address}:8080"
    assert is_broken(other_port) and is_broken(six) and is_unknown(name)


def test_udp_goes_nowhere(probe, far_host):
    for host, port in [(far_host.address, 53), ("127.0.0.1", 53), (far_host.near, 53), ("169.254.100.1", 54)]:
        assert is_broken(probe("allow", step("datagram", host=host, port=port))), (host, port)


def test_long_answers_come_over_tcp(probe):
    query = "abcd" "0100" "0001000000000000" + b"\4long\4test\0\0\x10\0\1".hex()
    short, whole = [bytes.fromhex(probe("allow", step("query", message=query, transport=transport)))
                    for transport in ("udp", "tcp")]
    assert short[:2] == whole[:2] == b"\xab\xcd"
    assert short[2] & 2 and not whole[2] & 2 and len(whole) > 4000
    refused = bytes.fromhex(probe("none", step("query", message=query, transport="tcp")))
    assert refused[3] & 15 == 3


def test_connections_end_with_their_environment(client, far_host):
    name = create(client, python(PROBE), Timeout=60)
    before = far_host.connections()
    steps = [step("keep", host=far_host.address, port=far_host.ECHO)] * 3
    assert [outcome["result"] for outcome in invoke(client, name, {"steps": steps}).payload] == ["x", "x", "x"]
    assert far_host.connections() == before + 3
    client.delete_function(FunctionName=name)
    wait_until(lambda: far_host.connections() == before, "the far host has lost its connections")


def test_many_connections_at_once(client, far_host):
    code = """
        import concurrent.futures, socket

        def one(number, host, port):
            with socket.create_connection((host, port), 20) as client:
                client.sendall(b"%08d" % number)
                client.shutdown(socket.SHUT_WR)
                return client.makefile().read() == "%08dthe end" % number

        def handler(event, context):
            with concurrent.futures.ThreadPoolExecutor(50) as pool:
                return sum(pool.map(lambda number: one(number, **event), range(300)))
    """
    name = create(client, python(code), Timeout=60)
    assert invoke(client, name, {"host": far_host.address, "port": far_host.ECHO}).payload == 300


def test_what_the_node_has_of_connections_is_bounded(make_server, far_host):
    """A quarter of the files that the server may open, each connection takes two."""
    client = make_server(args=["--dns-servers", far_host.name_server], files=1024).start().client()
    before = far_host.connections()
    keep = step("keep", host=far_host.address, port=far_host.ECHO)

    def kept(name, count):
        return [outcome["result"] for outcome in invoke(client, name, {"steps": [keep] * count}).payload]

    name, other = (create(client, python(PROBE), Timeout=60) for _ in range(2))
    results = kept(name, 259)
    assert results[:256] == ["x"] * 256 and all(is_broken(result) for result in results[256:]), results
    assert is_broken(kept(other, 1)[0]), "it is the node's bound, not the environment's"
    client.delete_function(FunctionName=name)
    wait_until(lambda: far_host.connections() == before, "the far host has lost its connections")
    assert kept(other, 1) == ["x"]


def test_a_tag_that_is_no_policy_is_refused(client):
    with pytest.raises(ClientError) as refused:
        create(client, python(PROBE), Tags={"hearth:network": "http://api.test"})
    error = refused.value.response["Error"]
    assert error["Code"] == "InvalidParameterValueException"
    assert error["Message"].startswith('The tag hearth:network is not a network policy: "http://api.test"')


def test_a_changed_tag_holds_for_the_next_invocation(client, far_host):
    name = create(client, python(PROBE), Timeout=60)
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    reach = {"steps": [step("connect", host=far_host.address, port=8080)]}

    def reached():
        return not is_broken(invoke(client, name, reach).payload[0]["result"])

    assert reached()
    client.tag_resource(Resource=arn, Tags={"hearth:network": "none"})
    assert not reached()
    client.tag_resource(Resource=arn, Tags={"hearth:network": f"{far_host.address}:8080"})
    assert reached()
    client.tag_resource(Resource=arn, Tags={"hearth:network": "other.test"})
    assert not reached()
    client.untag_resource(Resource=arn, TagKeys=["hearth:network"])
    assert reached()


def test_deploy_sets_the_policy(client, server, far_host, tmp_path):
    folder = tmp_path / unique("net")
    folder.mkdir()
    (folder / "app.py").write_text(textwrap.dedent(PROBE))

    def deploy(*arguments):
        return subprocess.run([BINARY, "deploy", folder, "--timeout", "60", "--endpoint", server.endpoint, *arguments],
                              capture_output=True, text=True, timeout=120, env=clean_environment())

    def tags():
        return client.get_function(FunctionName=folder.name).get("Tags", {})

    def reached():
        event = {"steps": [step("connect", host=far_host.address, port=8080)]}
        return not is_broken(invoke(client, folder.name, event).payload[0]["result"])

    assert "created" in deploy("--network", "none").stderr
    assert tags() == {"hearth:network": "none"} and not reached()
    assert "updated" in deploy("--network", f"api.test,*.b.test:443,{far_host.address}/32").stderr
    assert tags() == {"hearth:network": f"api.test .b.test:443 {far_host.address}"} and reached()
    assert "unchanged" in deploy().stderr
    assert "unchanged" in deploy("--network", f"api.test .b.test:443 {far_host.address}").stderr
    assert "updated" in deploy("--network", "[2001:db8::1]:443,2001:db8::/32").stderr
    assert tags() == {"hearth:network": "2001:db8::1/128:443 2001:db8::/32"} and not reached()
    for wrong, why in [("http://api.test", "neither a host name"), ("none,allow", "stand alone")]:
        refused = deploy("--network", wrong)
        assert refused.returncode == 64 and why in refused.stderr, refused


def test_who_does_not_answer_is_given_up(client, probe, far_host):
    steps = [step("connect", host=far_host.silent, port=80)]
    (outcome,) = invoke(client, _function(probe, "allow"), {"steps": steps}).payload
    assert is_broken(outcome["result"]) and outcome["took"] < 15, outcome


def test_environments_do_not_reach_each_other(client, probe, far_host):
    """One listens everywhere; another one connects to every address it might be at."""
    listening = create(client, python("""
        import socket, threading

        server = socket.create_server(("0.0.0.0", 7777))

        def answer():
            while True:
                connection, _ = server.accept()
                connection.sendall(b"reached")
                connection.close()

        def handler(event, context):
            threading.Thread(target=answer, daemon=True).start()
            with socket.create_connection(("127.0.0.1", 7777), 10) as client:
                return client.recv(10).decode()
    """), Timeout=20)
    assert invoke(client, listening).payload == "reached"
    places = ["127.0.0.1", "0.0.0.0", "169.254.100.1", "169.254.100.2", "::1", "::ffff:127.0.0.1", far_host.near,
              host_address()]
    results = probe("allow", *[step("connect", host=host, port=7777) for host in places])
    assert all(is_broken(result) for result in results), results
