"""The bootstrap's modules, compiled."""

import marshal
import os

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def compile_all():
    """Names of modules and their code, which is read when they are imported."""
    files = sorted(name for name in os.listdir(_FOLDER) if name.startswith("hearth_") and name.endswith(".py"))
    return marshal.dumps({name[:-3]: marshal.dumps(_compile(os.path.join(_FOLDER, name))) for name in files})


def _compile(path):
    with open(path, encoding="utf-8") as source:
        return compile(source.read(), path, "exec", dont_inherit=True)
