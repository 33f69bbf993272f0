"""Deployment packages that bring an SDK: boto3 from the tests' own environment, the AWS SDK for JavaScript from npm."""

import importlib.util
import io
import textwrap
import zipfile
from pathlib import Path

import npm

# What boto3 is made of. Of botocore's data only some services' go along, since all of them are too large for a package.
MODULES = ["boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"]
SERVICES = ["lambda", "logs", "sts"]


def _add_tree(archive, folder, below, wanted):
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        if file.is_file() and "__pycache__" not in path.parts and wanted(path):
            archive.write(file, f"{below}/{path}")


def _package(code, name, add):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        add(archive)
        archive.writestr(name, textwrap.dedent(code))
    return buffer.getvalue()


def with_boto3(code):
    """A package of app.py and boto3."""
    def is_wanted(path):
        return path.parts[0] != "data" or len(path.parts) == 2 or path.parts[1] in SERVICES

    def add(archive):
        for module in MODULES:
            origin = Path(importlib.util.find_spec(module).origin)
            if origin.name == "__init__.py":
                _add_tree(archive, origin.parent, module, is_wanted if module == "botocore" else lambda _: True)
            else:
                archive.write(origin, origin.name)

    return _package(code, "app.py", add)


def with_aws_sdk(code):
    """A package of index.mjs and the npm packages of the tests."""
    modules = npm.install() / "node_modules"
    return _package(code, "index.mjs", lambda archive: _add_tree(archive, modules, "node_modules", lambda path: (
        path.parts[0] != ".bin" and path.suffix != ".map" and not path.name.endswith(".d.ts"))))
