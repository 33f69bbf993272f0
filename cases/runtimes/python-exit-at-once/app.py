import os


def handler(event, context):
    print("printed", end="")
    os._exit(0)
