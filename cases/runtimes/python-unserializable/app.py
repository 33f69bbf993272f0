import datetime


def handler(event, context):
    circle = {}
    circle["self"] = circle
    return {"type": {"at": datetime.datetime(2026, 1, 1)}, "circle": circle, "keys": {(1, 2): 3}, "set": {1}}[event]
