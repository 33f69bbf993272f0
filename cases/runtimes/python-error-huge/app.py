def handler(event, context):
    raise ValueError(event["text"] * event["times"])
