"""The second argument of a handler."""

import os
import time

import hearth_log as log
from hearth_errors import Fault
from hearth_marshal import from_json


_W3C = ("traceparent", "tracestate", "baggage")


class LambdaContext:
    def __init__(self, meta):
        self.aws_request_id = meta["requestId"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = meta["invokedFunctionArn"]
        client_context = _parse(meta.get("clientContext"))
        self._w3c = _take_w3c(client_context)
        self.client_context = None if client_context is None else ClientContext(client_context)
        self.identity = CognitoIdentity(meta.get("cognitoIdentity") or {})
        # Functions have no tenants here.
        self.tenant_id = None
        self._deadline_ms = meta["deadlineMs"]

    def get_remaining_time_in_millis(self):
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def w3c(self):
        """What the caller said of the trace in the form of W3C."""
        return dict(self._w3c)

    def log(self, message):
        log.write(str(message))

    def __repr__(self):
        shown = ["{}={}".format(name, value) for name, value in vars(self).items() if name[0] != "_"]
        return "LambdaContext([{}])".format(",".join(shown))


class _Fields:
    """Named members of a JSON object; those that are missing are ``None``."""

    __slots__ = ()

    def __init_subclass__(cls):
        cls._keys = tuple((name, cls._key(name)) for name in cls.__slots__)

    def __init__(self, values):
        for name, key in self._keys:
            setattr(self, name, values.get(key))

    @staticmethod
    def _key(name):
        return name

    def __repr__(self):
        shown = ["{}={}".format(name, getattr(self, name)) for name in self.__slots__]
        return "{}([{}])".format(type(self).__name__, ",".join(shown))


class CognitoIdentity(_Fields):
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    @staticmethod
    def _key(name):
        first, *others = name.split("_")
        return first + "".join(word.capitalize() for word in others)


class Client(_Fields):
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(_Fields):
    __slots__ = ("custom", "env", "client")

    def __init__(self, values):
        super().__init__(values)
        if self.client is not None:
            self.client = Client(self.client)


def _parse(client_context):
    if not client_context:
        return None
    try:
        return from_json(client_context)
    except Exception as error:
        message = "Unable to parse Client Context JSON: {}".format(error)
        raise Fault("LambdaContextUnmarshalError", message)


def _take_w3c(client_context):
    """Takes the trace out of a client context."""
    trace = client_context.pop("w3c", None) if isinstance(client_context, dict) else None
    if not isinstance(trace, dict):
        return {}
    return {name: trace[name] for name in _W3C if isinstance(trace.get(name), str)}
