count = 0


def handler(event, context):
    global count
    count += 1
    return {"event": event, "count": count}
