"""Serving the web application with gunicorn, one process and some threads."""

import gc
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

THREADS = 64
"""A live page holds one all the time (`admin.now.pulse` says how many there may be); the others serve the rest."""


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, configured from here alone."""

    def __init__(self, app: Flask, host: str, port: int, ready: Callable[[], None]) -> None:
        self._app = app
        self._options: dict[str, Any] = {
            "bind": f"{host}:{port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": THREADS,
            "loglevel": "warning",
            "graceful_timeout": 5,
            "post_worker_init": lambda _worker: _begin(ready),
            "control_socket_disable": True,
            "proc_name": "haichieu web",
        }
        super().__init__()

    def load_config(self) -> None:
        """Take our options; no file, no environment, no command line."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """Give gunicorn the application."""
        return self._app


def leave_what_stays() -> None:
    """Tell Python's collector that what is there now stays: to look it all through takes a page 120 ms now and then."""
    gc.collect()
    gc.freeze()


def _begin(ready: Callable[[], None]) -> None:
    leave_what_stays()
    ready()


def serve(app: Flask, host: str, port: int, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM; `ready` is called once requests can be taken."""
    _Server(app, host, port, ready).run()
