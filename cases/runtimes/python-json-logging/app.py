import logging

logging.getLogger("mine").warning("init")


def handler(event, context):
    log = logging.getLogger("mine")
    log.debug("not shown")
    log.info("shown %s", 1, extra={"order": 7, "level": "cannot", "odd": {1, }})
    log.error("ü ✓ 😀\ntwo lines")
    log.log(35, "between")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("caught")
    logging.critical("last")
    print("not an object")
