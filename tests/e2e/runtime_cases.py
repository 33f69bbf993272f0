"""The cases of `cases/runtimes`, as functions that can be deployed."""

import json

from server import ROOT

FOLDER = ROOT / "cases/runtimes"
OWN_FILES = ("case.json", "expected.json")
# What the API takes, in bytes.
LARGEST = 6 * 1024 * 1024


def cases_of(language):
    return [Case(folder) for folder in sorted(FOLDER.glob(f"{language}-*"))]


class Case:
    def __init__(self, folder):
        self.name = folder.name
        self._folder = folder
        self._description = json.loads((folder / "case.json").read_text())

    @property
    def handler(self):
        return self._description["handler"]

    @property
    def environment(self):
        return self._description.get("environment", {})

    @property
    def code(self):
        """The function's files, by name."""
        files = (path for path in self._folder.rglob("*") if path.is_file() and path.name not in OWN_FILES)
        return {str(path.relative_to(self._folder)): path.read_bytes() for path in files}

    @property
    def events(self):
        """The events that the API takes, each with its client context."""
        for event in self._description.get("events", [{"event": {}}]):
            value = "x" * event["size"] if "size" in event else event.get("event")
            context = event.get("clientContext", "{}")
            if "text" not in event and len(json.dumps(value)) <= LARGEST and _is_json(context):
                yield value, context

    def suits(self, release):
        """Whether the case is about a release, such as `3.11`."""
        versions = self._description.get("versions", {})
        first, last = versions.get("from", "0.0"), versions.get("to", "999.9")
        return _numbers(first) <= _numbers(release) <= _numbers(last)


def _is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _numbers(version):
    return tuple(map(int, version.split(".")))
