def handler(event, context):
    raise ValueError("ü" * 1000000)
