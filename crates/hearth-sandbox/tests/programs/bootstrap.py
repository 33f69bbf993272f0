"""Answers commands on the control socket, one line each way."""
import socket

control = socket.socket(fileno=3).makefile("rw")
for line in control:
    if line.strip() == "ping":
        print("pong", file=control, flush=True)
