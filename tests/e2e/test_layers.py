"""Layers through boto3 and the hearth command: what functions find of them, in which order, and for how long."""

import json
import subprocess
import urllib.request
import zipfile
from io import BytesIO

import pytest

from functions import create, invoke, log_lines, package, python, unique
from languages import RUNTIME, package_of
from server import BINARY, clean_environment
from tier import OPT, TIER, named_as_on_aws

pytestmark = pytest.mark.every_tier

# What each language finds modules by: the file a layer brings, and a function that says what is in it.
MODULE = {
    "python": ("python/shared.py", "WORD = '{word}'"),
    "node": ("nodejs/node_modules/shared/index.js", "exports.WORD = '{word}'"),
}
USES = {
    "python": f"""
        import os, shared
        OPT = {OPT}
        def handler(event, context):
            return {{"word": shared.WORD, "opt": sorted(os.listdir(OPT)), "owner": os.stat(OPT).st_uid}}
    """,
    "node": """
        const fs = require("fs");
        const shared = require("shared");
        const opt = process.env.LAMBDA_TASK_ROOT.replace("/var/task", "/opt");
        exports.handler = async () => ({
          word: shared.WORD, opt: fs.readdirSync(opt).sort(), owner: fs.statSync(opt).uid,
        });
    """,
}


def executables(files):
    """A zip archive whose files can be executed."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, text)
    return buffer.getvalue()


def publish(client, zip_file, name=None):
    """Publishes a layer and returns the ARN of its version."""
    return client.publish_layer_version(LayerName=name or unique("l"), Content={"ZipFile": zip_file})["LayerVersionArn"]


def shared(client, language, word, **more):
    file, text = MODULE[language]
    return publish(client, package({file: text.format(word=word), **more}))


def function(client, language, layers, code=USES, **settings):
    return create(client, package_of(language, code[language]), runtime=RUNTIME[language], Layers=layers, **settings)


def owner(answer):
    """Root, but in other tiers than sandbox, where all is the user's."""
    return 0 if TIER == "sandbox" else answer.payload["owner"]


def test_a_module_of_a_layer_is_found(client, language):
    answer = invoke(client, function(client, language, [shared(client, language, "one")]))
    top = MODULE[language][0].split("/")[0]
    assert answer.payload == {"word": "one", "opt": [top], "owner": owner(answer)}


def test_modules_of_one_version_of_the_language_are_found(client, language):
    import platform
    import shutil
    if language == "python":
        folder, version = "python/lib/python3.11/site-packages", "3.11"
        if not shutil.which("python3.11") and not platform.python_version().startswith(version):
            pytest.skip("Python 3.11 is not installed")
        file, text = f"{folder}/shared.py", "WORD = 'versioned'"
    else:
        major = subprocess.run(["node", "-p", "process.versions.node.split('.')[0]"], capture_output=True, text=True)
        if major.stdout.strip() != "20":
            pytest.skip("Node.js 20 is not installed")
        file, text = "nodejs/node20/node_modules/shared.js", "exports.WORD = 'versioned'"
    layer = publish(client, package({file: text}))
    assert invoke(client, function(client, language, [layer])).payload["word"] == "versioned"


def test_later_layers_lie_on_top(client, language):
    one = shared(client, language, "one", **{"only/one": "1"})
    two = shared(client, language, "two", **{"only/two": "2"})
    top = MODULE[language][0].split("/")[0]
    name = function(client, language, [one, two])
    answer = invoke(client, name)
    assert answer.payload == {"word": "two", "opt": sorted(["only", top]), "owner": owner(answer)}
    client.update_function_configuration(FunctionName=name, Layers=[two, one])
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    assert invoke(client, name).payload["word"] == "one"


@pytest.mark.walls
def test_layers_cannot_be_changed(client):
    layer = shared(client, "python", "one")
    name = create(client, python("""
        import os
        def handler(event, context):
            try:
                open("/opt/python/new.py", "w")
            except OSError as error:
                return os.strerror(error.errno)
    """), Layers=[layer])
    assert invoke(client, name).payload == "Read-only file system"


def test_programs_and_libraries_are_found(client):
    layer = publish(client, executables({"bin/tool": "#!/bin/sh\necho from the layer\n", "lib/liblayer.so": "x"}))
    name = create(client, python("""
        import os, subprocess
        def handler(event, context):
            paths = os.environ["LD_LIBRARY_PATH"].split(":")
            found = [path for path in paths if os.path.exists(os.path.join(path, "liblayer.so"))]
            return [subprocess.run(["tool"], capture_output=True, text=True).stdout, found]
    """), Layers=[layer])
    text, found = invoke(client, name).payload
    assert (text, [named_as_on_aws(path) for path in found]) == ("from the layer\n", ["/opt/lib"])


def test_a_library_in_a_layer_is_known_to_the_loader(client, tmp_path):
    """The dynamic loader reads its path once, so the interpreter must be started with it."""
    import shutil
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler")
    source, library = tmp_path / "answer.c", tmp_path / "libanswer.so"
    source.write_text("int answer(void) { return 42; }")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    layer = publish(client, executables({"lib/libanswer.so": library.read_bytes()}))
    name = create(client, python("""
        import ctypes
        def handler(event, context):
            return ctypes.CDLL("libanswer.so").answer()
    """), Layers=[layer])
    assert invoke(client, name).payload == 42


def test_a_deleted_version_stays_with_its_functions(make_server):
    server = make_server().start()
    client = server.client()
    layer = shared(client, "python", "kept")
    name = function(client, "python", [layer])
    client.delete_layer_version(LayerName=layer.rsplit(":", 1)[0], VersionNumber=1)
    # A server that was killed finds the layer's content by the function alone, and the number is not used again.
    server.kill()
    client = server.start().client()
    assert invoke(client, name).payload["word"] == "kept"
    client.update_function_configuration(FunctionName=name, Description="changed")
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    assert invoke(client, name).payload["word"] == "kept"
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="does not exist"):
        client.update_function_configuration(FunctionName=name, Layers=[layer])
    assert publish(client, package({"a": "b"}), name=layer.split(":")[-2]).endswith(":2")


def test_a_published_version_keeps_its_layers(make_server):
    server = make_server().start()
    client = server.client()
    one, two = shared(client, "python", "one"), shared(client, "python", "two")
    name = function(client, "python", [one])
    version = client.publish_version(FunctionName=name)["Version"]
    client.update_function_configuration(FunctionName=name, Layers=[two])
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    client.delete_layer_version(LayerName=one.rsplit(":", 1)[0], VersionNumber=1)
    server.kill()
    client = server.start().client()
    assert invoke(client, name, Qualifier=version).payload["word"] == "one"
    assert invoke(client, name).payload["word"] == "two"
    shown = client.get_function_configuration(FunctionName=name, Qualifier=version)["Layers"]
    assert [layer["Arn"] for layer in shown] == [one]


def test_layers_and_permissions_survive_kill_9(make_server):
    server = make_server().start()
    client = server.client()
    layer = publish(client, package({"a": "b"}), name="kept")
    client.add_layer_version_permission(
        LayerName="kept", VersionNumber=1, StatementId="s", Action="lambda:GetLayerVersion", Principal="*"
    )
    policy = client.get_layer_version_policy(LayerName="kept", VersionNumber=1)["Policy"]
    server.kill()
    client = server.start().client()
    assert [item["LayerVersionArn"] for item in client.list_layer_versions(LayerName="kept")["LayerVersions"]] == [layer]
    assert client.get_layer_version_policy(LayerName="kept", VersionNumber=1)["Policy"] == policy
    # Another account may use it, since everybody may.
    other = server.client(key="123456789012")
    assert other.get_layer_version_by_arn(Arn=layer)["Version"] == 1


def test_the_content_can_be_fetched(client):
    zip_file = package({"a": "b"})
    layer = publish(client, zip_file)
    location = client.get_layer_version_by_arn(Arn=layer)["Content"]["Location"]
    with urllib.request.urlopen(location) as answer:
        assert answer.read() == zip_file


def test_code_and_layers_share_a_limit(client):
    def zeros(size):
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros", b"\0" * size)
        return buffer.getvalue()

    layers = [publish(client, zeros(140_000_000)) for _ in range(2)]
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="Layers consume more than"):
        function(client, "python", layers)
    name = create(client, zeros(130_000_000), handler="zeros.handler")
    with pytest.raises(client.exceptions.InvalidParameterValueException) as refused:
        client.update_function_configuration(FunctionName=name, Layers=layers[:1])
    assert "The actual size is 270000000 bytes." in str(refused.value)


WRAPPER = """#!/bin/sh
export WRAPPED="yes, $AWS_LAMBDA_FUNCTION_NAME"
exec "$@"
"""
WRAPPED = {
    "python": """
        import os
        def handler(event, context):
            return [os.environ["WRAPPED"], os.environ["MINE"], os.getcwd()]
    """,
    "node": """
        exports.handler = async () => [process.env.WRAPPED, process.env.MINE, process.cwd()];
    """,
}


def test_a_wrapper_starts_the_interpreter(client, language):
    layer = publish(client, executables({"wrap": WRAPPER}))
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap", "MINE": "m"}
    name = function(client, language, [layer], code=WRAPPED, Environment={"Variables": variables})
    answer = invoke(client, name)
    wrapped, mine, directory = answer.payload
    assert (wrapped, mine, named_as_on_aws(directory)) == (f"yes, {name}", "m", "/var/task"), answer.raw
    # As on AWS the wrapper runs once for each environment.
    assert invoke(client, name).payload == answer.payload


def test_a_wrapper_may_add_arguments(client):
    layer = publish(client, executables({"wrap": '#!/bin/sh\npython="$1"; shift\nexec "$python" -X utf8=1 "$@"\n'}))
    name = create(client, python("""
        import sys
        def handler(event, context):
            return sys.flags.utf8_mode
    """), Layers=[layer], Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"}})
    assert invoke(client, name).payload == 1


@pytest.mark.parametrize("files, status, line", [
    ({}, 127, "/var/task/wrap: does not exist"),
    ({"wrap": WRAPPER}, 126, "/var/task/wrap: is not an executable"),
])
def test_a_wrapper_that_cannot_start_anything(client, logs, language, files, status, line):
    source = {"python": "app.py", "node": "index.js"}[language]
    zip_file = package({source: WRAPPED[language], **files})
    name = create(client, zip_file, runtime=RUNTIME[language],
                  Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrap"}})
    answer = invoke(client, name)
    assert answer.error == "Unhandled"
    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert f"Runtime exited with error: exit status {status}" in answer.payload["errorMessage"]
    assert line in map(named_as_on_aws, log_lines(logs, name))


def hearth(server, *arguments, **options):
    return subprocess.run(
        [BINARY, *arguments, "--endpoint", server.endpoint], capture_output=True, text=True, check=True,
        env=clean_environment(), timeout=60, **options,
    )


def test_the_hearth_command(server, client, tmp_path):
    module = tmp_path / "layer/python/shared.py"
    module.parent.mkdir(parents=True)
    module.write_text("WORD = 'from the command'")
    code = tmp_path / "uses"
    code.mkdir()
    (code / "app.py").write_text("import shared\ndef handler(event, context):\n    return shared.WORD\n")
    name = unique("l")
    arn = hearth(server, "layer", "publish", name, tmp_path / "layer", "--description", "d").stdout.strip()
    assert arn.endswith(f":layer:{name}:1")
    again = hearth(server, "layer", "publish", name, tmp_path / "layer").stdout.strip()
    listed = json.loads(hearth(server, "layer", "ls", "--json").stdout)
    assert {"LayerName": name, "version": 2}.items() <= {
        item["LayerName"]: {"LayerName": name, "version": item["LatestMatchingVersion"]["Version"]} for item in listed
    }[name].items()
    assert name in hearth(server, "layer", "ls").stdout
    function_name = unique()
    hearth(server, "deploy", code, "--name", function_name, "--layer", again)
    assert json.loads(hearth(server, "invoke", function_name).stdout) == "from the command"
    layers = client.get_function_configuration(FunctionName=function_name)["Layers"]
    assert [layer["Arn"] for layer in layers] == [again]
