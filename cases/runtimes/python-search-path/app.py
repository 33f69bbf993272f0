import sys

import shared


def handler(event, context):
    return {"path": sys.path, "shared": shared.NAME, "arguments": sys.argv}
