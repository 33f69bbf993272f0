"""The Python bootstrap: the program an execution environment starts with.

It says hello to the server on the control socket, is claimed for one function, loads the handler and then
runs one invocation after the other. Everything it will need is imported before the claim, under names that no
module of a function is likely to have. Each environment is a process of its own, so nothing random was drawn
before the claim that another environment could share.
"""

import sys

import hearth_log as log
import hearth_search_path as search_path
from hearth_channel import Channel
from hearth_claim import apply_environment, load_handler
from hearth_errors import describe
from hearth_invocation import run


def main():
    log.open_streams()
    search_path.add_site_packages()
    channel = Channel(3)
    channel.hello()
    handler = wait_for_claim(channel)
    while True:
        run(channel, handler, *channel.next_invocation())


def wait_for_claim(channel):
    """Becomes the environment of one function. A function that cannot be loaded ends the process."""
    claim = channel.next_claim()
    apply_environment(claim["environment"], claim["taskRoot"], claim["layersRoot"])
    log.set_up_logging()
    try:
        handler = load_handler(claim["handler"])
    except Exception as exception:
        error = describe(exception)
        log.error(error)
        channel.claimed(error)
        sys.exit(1)
    channel.claimed()
    return handler


if __name__ == "__main__":
    main()
