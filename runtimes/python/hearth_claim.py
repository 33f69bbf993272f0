"""From a claim to a function that can be called."""

import importlib
import os
import sys
import time

import hearth_search_path as search_path
from hearth_errors import Fault


def apply_environment(variables, task_root, layers_root):
    """Makes this process look as if it had been started with these variables in the code's folder; None if it was."""
    if variables is None:
        variables = dict(os.environ)
    sys.path[:] = search_path.after_claim(variables, task_root, layers_root)
    # The folders of the code and its layers were not mounted when these were looked up.
    sys.path_importer_cache.clear()
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    os.chdir(task_root)


def load_handler(name):
    """The function that a name such as ``app.handler`` or ``src/app.handler`` means."""
    try:
        module_name, function = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("MalformedHandlerName", "Bad handler '{}': {}".format(name, error))
    module = _import(module_name)
    try:
        return getattr(module, function)
    except AttributeError:
        message = "Handler '{}' missing on module '{}'".format(function, module_name)
        raise Fault("HandlerNotFound", message)


def _import(name):
    if name.split(".")[0] in sys.builtin_module_names:
        message = "Cannot use built-in module {} as a handler module".format(name)
        raise Fault("BuiltInModuleConflict", message)
    try:
        return importlib.import_module(name.replace("/", "."))
    except ImportError as error:
        raise Fault("ImportModuleError", "Unable to import module '{}': {}".format(name, error))
    except SyntaxError as error:
        message = "Syntax error in module '{}': {}".format(name, error)
        place = '  File "{}" Line {}\n    {}'.format(error.filename, error.lineno, error.text)
        raise Fault("UserCodeSyntaxError", message, [place])
