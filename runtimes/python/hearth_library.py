"""Modules of the standard library that AWS's bootstrap has imported before it looks at a function.

Importing them takes longer than the rest of a start, and a function may need none. So they are imported by who needs
them first; but it is the interpreter's module that is found then, as on AWS, also where a function has one of the name.
"""

import sys
from _frozen_importlib_external import PathFinder

_NAMES = frozenset(
    """_colorize _heapq _weakrefset collections contextlib copyreg enum functools heapq json keyword linecache logging
    operator re reprlib sre_compile sre_constants sre_parse string textwrap threading token tokenize traceback types
    warnings weakref""".split()
)

# What is to be done when a module has been imported, by its name.
_awaited = {}


def stay_ahead():
    """From now on nothing comes before the interpreter's own folders for these modules."""
    own = [entry for entry in sys.path if entry.startswith((sys.prefix, sys.exec_prefix))]
    sys.meta_path.insert(1, _Library(own))


def when_imported(name, then):
    """Calls ``then`` once the module is there; now if it is."""
    if name in sys.modules:
        then()
    else:
        _awaited[name] = then


class _Library:
    def __init__(self, folders):
        self._folders = folders

    def find_spec(self, name, path=None, target=None):
        if name not in _NAMES:
            return None
        spec = PathFinder.find_spec(name, self._folders)
        then = _awaited.pop(name, None)
        if spec and then:
            spec.loader = _Awaited(spec.loader, then)
        return spec


class _Awaited:
    """The loader of a module that something is done after."""

    def __init__(self, loader, then):
        self._loader = loader
        self._then = then

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._then()
