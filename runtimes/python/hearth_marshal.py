"""Events and responses."""

import json
import sys

from hearth_errors import Fault


def unmarshal(event):
    try:
        return json.loads(event)
    except Exception as error:
        raise Fault("UnmarshalError", "Unable to unmarshal input: {}".format(error))


def marshal(response):
    """The bytes of a handler's result. Bytes are left as they are."""
    if isinstance(response, bytes):
        return response
    try:
        return to_json(response)
    except Exception as error:
        raise Fault("MarshalError", "Unable to marshal response: {}".format(error))


def to_json(value):
    # Half a surrogate pair has no UTF-8 form; its escape is valid JSON.
    return _ENCODER.encode(value).encode("utf-8", "backslashreplace")


def _encode_other(value):
    decimal = sys.modules.get("decimal")
    if decimal and isinstance(value, decimal.Decimal):
        whole = value.is_finite() and value.as_tuple().exponent >= 0
        return int(value) if whole else float(value)
    raise TypeError("Object of type {} is not JSON serializable".format(type(value).__name__))


# From 3.12 on AWS leaves other characters than ASCII as they are.
_ENCODER = json.JSONEncoder(ensure_ascii=sys.version_info < (3, 12), default=_encode_other)
