import locale
import sys


def handler(event, context):
    return {
        "encodings": [sys.getfilesystemencoding(), locale.getpreferredencoding(False), sys.stdout.encoding],
        "utf8 mode": sys.flags.utf8_mode,
        "builtins": [callable(exit), callable(help)],
        "site-packages": any(path.endswith("-packages") and path.startswith(sys.prefix) for path in sys.path),
    }
