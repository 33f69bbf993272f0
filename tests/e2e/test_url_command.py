"""`hearth url`: an address on the web for a function."""

import json
import subprocess

from functions import create
from server import BINARY, clean_environment, wait_until
from test_errors import refused
from web import ECHO, Visitor, url_id


def hearth(server, *arguments, status=0):
    done = subprocess.run(
        [str(BINARY), *arguments, "--endpoint", server.endpoint], capture_output=True, text=True, timeout=60,
        env=clean_environment(),
    )
    assert done.returncode == status, (arguments, done)
    return done


def test_the_command_opens_a_url_to_everybody(server, client):
    name = create(client, ECHO)
    done = hearth(server, "url", name)
    url = done.stdout.strip()
    assert url == client.get_function_url_config(FunctionName=name)["FunctionUrl"]
    assert "for everybody" in done.stderr and f"{server.endpoint}/_hearth/url/{url_id(url)}/" in done.stderr
    with Visitor(server, url) as visitor:
        assert visitor.fetch().status == 200
        assert hearth(server, "url", name).stdout.strip() == url, "again it only says what there is"
        hearth(server, "url", name, "--auth", "iam", "--stream", "--cors", "https://example.com")
        config = json.loads(hearth(server, "url", name, "--json").stdout)
        assert (config["AuthType"], config["InvokeMode"]) == ("AWS_IAM", "RESPONSE_STREAM")
        assert config["Cors"]["AllowOrigins"] == ["https://example.com"]
        assert visitor.fetch().status == 403
        code, *_ = refused(client.get_policy, FunctionName=name)
        assert code == "ResourceNotFoundException", "what opened the URL is gone"
        assert "for everybody" in hearth(server, "url", name, "--auth", "none", "--buffered", "--no-cors").stderr
        assert visitor.fetch().status == 200
        config = json.loads(hearth(server, "url", name, "--json").stdout)
        assert (config["AuthType"], config["InvokeMode"], config["Cors"]) == ("NONE", "BUFFERED", {})
        assert hearth(server, "url", name, "--delete").stdout == ""
        assert visitor.fetch().status == 403
    assert "does not exist" in hearth(server, "url", name, "--delete", status=1).stderr
    assert "does not exist" in hearth(server, "url", "nosuchfunction", status=1).stderr
    hearth(server, "url", name, "--stream", "--buffered", status=64)


def test_the_command_knows_aliases(server, client):
    name = create(client, ECHO)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="prod", FunctionVersion="1")
    url = hearth(server, "url", name, "--qualifier", "prod").stdout.strip()
    with Visitor(server, url) as visitor:
        assert visitor.fetch().json["arn"].endswith(":prod")
    hearth(server, "url", name, "--qualifier", "prod", "--delete")


def test_dev_says_how_to_get_one(make_server, tmp_path):
    folder = tmp_path / "greet"
    folder.mkdir()
    (folder / "app.py").write_text("def handler(event, context):\n    return 'hello'\n")
    server = make_server().start([folder])
    said = f"hearth url greet --endpoint {server.endpoint}"
    wait_until(lambda: any(said in line for line in list(server.output)), said)
    with Visitor(server, hearth(server, "url", "greet").stdout.strip()) as visitor:
        assert visitor.fetch().body == b"hello"
