import logging

logging.getLogger().setLevel(logging.INFO)
logging.getLogger("mine").info("init")


def handler(event, context):
    log = logging.getLogger("mine")
    log.debug("not shown")
    log.info("shown %s", 1)
    log.warning("two\nlines")
    log.error("ü ✓ 😀")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("caught")
    logging.critical("last")
