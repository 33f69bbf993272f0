"""Where modules are found."""

import os
import site
import sys


def add_site_packages():
    """Does what the interpreter would have done had it not been started with ``-S``, but runs no ``.pth``
    files: they belong to the machine, take time and do not exist on AWS."""
    if sys.flags.no_site:
        site.setquit()
        site.sethelper()
        sys.path += site.getsitepackages([sys.prefix])


def after_claim(variables, task_root, layers_root):
    """The search path of an interpreter that was started with these variables in the code's folder: the code,
    its layers, PYTHONPATH, then what belongs to the interpreter."""
    opt = layers_root + "/python"
    layers = ["{}/lib/python{}.{}/site-packages".format(opt, *sys.version_info[:2]), opt]
    given = [os.path.join(task_root, entry) for entry in variables.get("PYTHONPATH", "").split(":") if entry]
    own = [entry for entry in sys.path if entry.startswith((sys.prefix, sys.exec_prefix))]
    return list(dict.fromkeys([task_root, *layers, *given, *own]))
