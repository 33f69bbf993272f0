"""What is imported and run ahead in an environment that waits for its function."""

import json
import traceback

import hearth_logging
from hearth_context import LambdaContext
from hearth_marshal import marshal, unmarshal

_META = b'{"requestId": "", "invokedFunctionArn": "", "deadlineMs": 0}'


def rehearse():
    LambdaContext(unmarshal(_META))
    marshal(json.loads(_META))
    hearth_logging.rehearse()
    traceback.format_list([])
    # The first call prepares the compiler for syntax trees, which takes a millisecond.
    compile("", "", "exec")
