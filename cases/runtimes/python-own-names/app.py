import json
import logging
import queue
import traceback


def handler(event, context):
    logging.warning("said")
    return [json.loads("1"), queue.NAME, len(traceback.format_stack()) > 0]
