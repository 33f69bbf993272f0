# `def` is no name that a statement could import.
def handler(event, context):
    return {"event": event}
