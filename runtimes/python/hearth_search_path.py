"""Where modules are found."""

import os
import site
import sys

_OPT = "/opt/python"


def add_site_packages():
    """Does what the interpreter would have done had it not been started with ``-S``, but runs no ``.pth``
    files: they belong to the machine, take time and do not exist on AWS."""
    if sys.flags.no_site:
        site.setquit()
        site.sethelper()
        sys.path += site.getsitepackages([sys.prefix])


def after_claim(variables, task_root):
    """The search path of an interpreter that was started with these variables: the function's code, its
    layers, PYTHONPATH, then what belongs to the interpreter."""
    python_path = _entries(variables.get("PYTHONPATH", ""))
    bootstrap = os.path.dirname(os.path.abspath(__file__))
    here = [bootstrap, *_entries(os.environ.get("PYTHONPATH", ""))]
    own = [entry for entry in sys.path if entry not in here]
    layers = ["{}/lib/python{}.{}/site-packages".format(_OPT, *sys.version_info[:2]), _OPT]
    return list(dict.fromkeys([task_root, *layers, *python_path, *own]))


def _entries(variable):
    return [entry for entry in variable.split(os.pathsep) if entry]
