def handler(event, context):
    import logging

    logging.getLogger("late").info("shown")
    logging.debug("not shown")
    return [len(logging.getLogger().handlers), type(logging.__loader__).__name__, logging.__spec__.name]
