import sys


def handler(event, context):
    return "python{}.{}".format(*sys.version_info)
