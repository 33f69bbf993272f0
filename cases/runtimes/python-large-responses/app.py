def handler(event, context):
    return "y" * event
