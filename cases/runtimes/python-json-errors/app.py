def handler(event, context):
    raise ValueError("ü " + event["why"])
