"""The Python bootstrap: the program an execution environment starts with.

Compiling the bootstrap takes longer than running it. So this file, which is compiled at every start, takes the rest
from the server, which keeps what the first interpreter has compiled. Only one that knows no function yet is asked for
it.
"""

import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER
from marshal import loads
from posix import read

_CONTROL = 3
_HEADER_BYTES = 16
# What is compiled is for one version, and knows its own place.
_KEY = MAGIC_NUMBER + __file__.encode() + b"\0"


class Modules:
    """Finds the modules of the bootstrap. It stays, so that no module of a function takes their place."""

    def __init__(self, compiled):
        self._compiled = compiled

    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name in self._compiled else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        code = loads(self._compiled[module.__name__])
        module.__file__ = code.co_filename
        exec(code, module.__dict__)


def receive(length):
    received = bytearray()
    while len(received) < length:
        piece = read(_CONTROL, length - len(received))
        if not piece:
            # Without a server there is nothing left to do.
            sys.exit(1)
        received += piece
    return bytes(received)


def main():
    prepared = receive(int.from_bytes(receive(_HEADER_BYTES)[4:8], "big"))
    compiled = None
    if not prepared.startswith(_KEY):
        from hearth_compile import compile_all

        prepared = compiled = _KEY + compile_all()
    sys.meta_path.insert(0, Modules(loads(prepared[len(_KEY) :])))
    from hearth_environment import serve

    serve(_CONTROL, compiled)


if __name__ == "__main__":
    main()
