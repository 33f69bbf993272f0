"""The second argument of a handler."""

import json
import os
import time

import hearth_log as log
from hearth_errors import Fault


class LambdaContext:
    def __init__(self, meta):
        self.aws_request_id = meta["requestId"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = meta["invokedFunctionArn"]
        self.client_context = _client_context(meta.get("clientContext"))
        self.identity = CognitoIdentity(meta.get("cognitoIdentity") or {})
        self._deadline_ms = meta["deadlineMs"]

    def get_remaining_time_in_millis(self):
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def log(self, message):
        log.write(str(message))

    def __repr__(self):
        shown = ["{}={}".format(name, value) for name, value in vars(self).items() if name[0] != "_"]
        return "LambdaContext([{}])".format(",".join(shown))


class _Fields:
    """Named members of a JSON object; those that are missing are ``None``."""

    __slots__ = ()

    def __init__(self, values):
        for name in self.__slots__:
            setattr(self, name, values.get(self._key(name)))

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


def _client_context(text):
    if not text:
        return None
    try:
        values = json.loads(text)
    except Exception as error:
        message = "Unable to parse Client Context JSON: {}".format(error)
        raise Fault("LambdaContextUnmarshalError", message)
    return ClientContext(values)
