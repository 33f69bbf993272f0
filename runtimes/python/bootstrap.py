"""The Python bootstrap: the program an execution environment starts with.

It says hello to the server on the control socket, is claimed for one function, loads the handler and then
runs one invocation after the other. Everything it will need is imported before the claim; of all that, user
code meets only the package ``hearth_bootstrap``. Each environment is a process of its own, so nothing random
was drawn before the claim that another environment could share.
"""

import sys

from hearth_bootstrap import log, search_path
from hearth_bootstrap.channel import Channel
from hearth_bootstrap.claim import apply_environment, load_handler
from hearth_bootstrap.errors import describe
from hearth_bootstrap.invocation import run


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
    apply_environment(claim["environment"], claim["taskRoot"])
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
