import subprocess


def handler(event, context):
    """A child process must not inherit the control socket."""
    command = "test -e /proc/self/fd/3 && echo there || echo gone"
    return subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, close_fds=False, check=True).stdout.decode()
