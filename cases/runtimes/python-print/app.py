import logging
import subprocess
import sys

print("init")


def handler(event, context):
    print("one", 2, "ü ✓")
    print("two\nlines")
    sys.stdout.write("half a line")
    logging.warning("whole event")
    print("to stderr", file=sys.stderr)
    sys.stdout.buffer.write(b"bytes \xff\n")
    print("surrogate \udc80")
    subprocess.run(["echo", "child"], check=True)
