"""TEMP."""


def run_web(settings):
    import time

    print("ready", flush=True)
    time.sleep(1e6)
