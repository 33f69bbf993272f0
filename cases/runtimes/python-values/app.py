import datetime
import decimal
import math

VALUES = {
    "nan": math.nan,
    "infinity": math.inf,
    "decimals": [decimal.Decimal("1.5"), decimal.Decimal("7"), decimal.Decimal("1E+2")],
    "bytes": b'{"raw":true}',
    "keys": {1: "int", None: "none", 2.5: "float"},
    "tuple": (1, "two"),
    "surrogate": "\ud800",
}


def handler(event, context):
    return VALUES[event]
