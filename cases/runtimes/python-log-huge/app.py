import logging


def handler(event, context):
    logging.error("ü" * 700000)
    logging.error("next")
