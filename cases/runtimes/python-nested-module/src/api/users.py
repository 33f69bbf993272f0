from . import shared


def get(event, context):
    return [__name__, shared.NAME]
