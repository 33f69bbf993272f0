"""Functions that bring their own bootstrap."""

import io
import shutil
import textwrap
import zipfile

import pytest

from functions import create


def bundle(files, executable=("bootstrap",)):
    """A zip archive whose files of these names can be executed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100755 if name in executable else 0o100644) << 16
            archive.writestr(entry, textwrap.dedent(content) if isinstance(content, str) else content)
    return buffer.getvalue()


def deploy(client, files, executable=("bootstrap",), handler="function.handler", **settings):
    return create(
        client, bundle(files, executable), runtime=settings.pop("runtime", "provided.al2023"), handler=handler,
        **settings,
    )


def needs_curl():
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")


# A runtime in shell, after the tutorial of the AWS documentation. Its function is told what to do by the event.
SHELL = r"""
    #!/bin/sh
    api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
    tmp="${TMPDIR:-/tmp}"
    count=0
    post() { curl -sS -X POST -H 'Content-Type: application/json' "$@"; }
    . ./init.sh
    while true; do
        event=$(curl -sS -D "$tmp/headers" "$api/invocation/next") || exit 40
        id=$(grep Lambda-Runtime-Aws-Request-Id "$tmp/headers" | tr -d '[:space:]' | cut -d: -f2)
        count=$((count + 1))
        . ./function.sh
    done
""".lstrip("\n")

FUNCTION = r"""
    case "$event" in
    *exit*) exit 3 ;;
    *kill*) kill -9 $$ ;;
    *sleep*) sleep 30 ;;
    *print*)
        echo one; echo two >&2; printf three
        post "$api/invocation/$id/response" -d '"printed"' ;;
    *raise*)
        post "$api/invocation/$id/error" -H 'Lambda-Runtime-Function-Error-Type: Function.Odd' \
            -d '{"errorMessage":"odd","errorType":"Odd","stackTrace":[]}' ;;
    *large*)
        head -c 6291557 /dev/zero | tr '\0' x | post "$api/invocation/$id/response" --data-binary @- ;;
    *wrong*)
        post "$api/invocation/00000000-0000-4000-8000-000000000000/response" -d 1
        post "$api/invocation/$id/response" -d 2 ;;
    *twice*)
        curl -sS "$api/invocation/next" > "$tmp/again"
        post "$api/invocation/$id/response" --data-binary "@$tmp/again" ;;
    *stream*)
        (printf 'one '; sleep 1; printf two) | curl -sS -X POST -T - -H 'Content-Type: text/plain' \
            -H 'Lambda-Runtime-Function-Response-Mode: streaming' -H 'Transfer-Encoding: chunked' \
            "$api/invocation/$id/response" ;;
    *memory*) head -c 400000000 /dev/zero | tail ;;
    *headers*) post "$api/invocation/$id/response" --data-binary "@$tmp/headers" ;;
    *variables*)
        post "$api/invocation/$id/response" -d "\"$_HANDLER $AWS_LAMBDA_RUNTIME_API $(pwd) $AWS_EXECUTION_ENV $OWN\"" ;;
    *after*)
        post "$api/invocation/$id/response" -d '"early"'
        echo late; exit 5 ;;
    *) post "$api/invocation/$id/response" -d "{\"event\":$event,\"count\":$count}" ;;
    esac
"""


def shell(client, init="true", **settings):
    """Deploys the runtime in shell; `init` runs before it asks for its first event."""
    needs_curl()
    files = {"bootstrap": textwrap.dedent(SHELL), "init.sh": init + "\n", "function.sh": textwrap.dedent(FUNCTION)}
    return deploy(client, files, **settings)
