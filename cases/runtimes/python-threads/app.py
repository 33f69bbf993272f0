import threading
import time

ticks = []


def tick():
    while True:
        ticks.append(1)
        time.sleep(0.001)


threading.Thread(target=tick, daemon=True).start()


def handler(event, context):
    before = len(ticks)
    while len(ticks) == before:
        time.sleep(0.001)
    return "ticked"
