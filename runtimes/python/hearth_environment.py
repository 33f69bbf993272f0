"""The life of an environment: it says hello to the server on the control socket, is claimed for one function, loads
the handler and then runs one invocation after the other.

Each environment is a process of its own, so nothing random was drawn before the claim that another environment could
share.
"""

import sys

import hearth_library as library
import hearth_log as log
import hearth_search_path as search_path
from hearth_channel import Channel
from hearth_claim import apply_environment, load_handler
from hearth_errors import describe
from hearth_invocation import run


def serve(control, compiled):
    library.stay_ahead()
    log.open_streams()
    search_path.add_site_packages()
    channel = Channel(control)
    channel.hello(compiled)
    handler = wait_for_claim(channel)
    while True:
        run(channel, handler, *channel.next_invocation())


def wait_for_claim(channel):
    """Becomes the environment of one function. A function that cannot be loaded ends the process."""
    claim = channel.next_claim(rehearse)
    apply_environment(claim["environment"], claim["taskRoot"], claim["layersRoot"])
    log.set_up()
    try:
        handler = load_handler(claim["handler"])
    except Exception as exception:
        error = describe(exception)
        log.error(error)
        channel.claimed(error)
        sys.exit(1)
    channel.claimed()
    return handler


def rehearse():
    """The server keeps this environment ready, so there is time for what most functions will want."""
    import hearth_rehearsal

    hearth_rehearsal.rehearse()
