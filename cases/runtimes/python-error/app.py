class Refused(Exception):
    pass


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def refuse(how):
    if how == "bare":
        raise Refused()
    if how == "unprintable":
        raise Unprintable()
    raise Refused("not today: ü")


def handler(event, context):
    if event == "chain":
        try:
            return {}["missing"]
        except KeyError as error:
            raise ValueError("bad") from error
    refuse(event)
