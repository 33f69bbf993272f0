import logging
import platform

logger = logging.getLogger()
logger.setLevel(logging.INFO)


def lambda_handler(event, context):
    name = event.get("name", "world")
    logger.info("Greeting %s", name)
    return {
        "message": f"Hello, {name}, from Python {platform.python_version()}",
        "requestId": context.aws_request_id,
    }
