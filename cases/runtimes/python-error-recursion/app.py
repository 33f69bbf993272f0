def handler(event, context):
    return handler(event, context)
