"""Events and responses.

The package ``json`` takes as long to import as the interpreter to start, and most of it is not needed: what does its
work is the module ``_json``.
"""

import sys

from hearth_errors import Fault

try:
    from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner
except ImportError:
    make_encoder = make_scanner = None


def unmarshal(event):
    try:
        return from_json(event)
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


def from_json(text):
    """The same as ``json.loads``, which is asked whenever something is unusual."""
    if _scan:
        try:
            whole = text if isinstance(text, str) else text.decode("utf-8")
            whole = whole.strip(" \t\n\r")
            value, end = _scan(whole, 0)
            if end == len(whole):
                return value
        except (StopIteration, ValueError, SystemError):
            # Before Python 3.12 it is a SystemError that the package with the right error is not there.
            pass
    import json

    return json.loads(text)


def to_json(value):
    # Half a surrogate pair has no UTF-8 form; its escape is valid JSON.
    return _encode(value).encode("utf-8", "backslashreplace")


def _encode(value):
    """The same as ``json.dumps``."""
    if isinstance(value, str):
        return _encode_text(value)
    return "".join(make_encoder({}, _encode_other, _encode_text, None, ": ", ", ", False, False, True)(value, 0))


def _encode_other(value):
    decimal = sys.modules.get("decimal")
    if decimal and isinstance(value, decimal.Decimal):
        whole = value.is_finite() and value.as_tuple().exponent >= 0
        return int(value) if whole else float(value)
    raise TypeError("Object of type {} is not JSON serializable".format(type(value).__name__))


class _Usual:
    """How ``json.loads`` reads."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    array_hook = None
    parse_float = float
    parse_int = int
    parse_constant = {"-Infinity": float("-inf"), "Infinity": float("inf"), "NaN": float("nan")}.__getitem__


# From 3.12 on AWS leaves other characters than ASCII as they are.
_ASCII = sys.version_info < (3, 12)
_scan = None
if make_scanner:
    _scan = make_scanner(_Usual)
    _encode_text = encode_basestring_ascii if _ASCII else encode_basestring
else:
    import json

    _encode = json.JSONEncoder(ensure_ascii=_ASCII, default=_encode_other).encode
