"""gunicorn configuration: one process with threads."""

import gc
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

THREADS = 64
"""Each live page occupies one thread (`admin.now.pulse` limits them); the others serve requests."""


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, configured only from here."""

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
        """Set our options; configuration files, environment and command line are ignored."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """Give gunicorn the application."""
        return self._app


def leave_what_stays() -> None:
    """Freeze the objects loaded at start: a full garbage collection would delay a page by 120 ms."""
    gc.collect()
    gc.freeze()


def _begin(ready: Callable[[], None]) -> None:
    leave_what_stays()
    ready()


def serve(app: Flask, host: str, port: int, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM; `ready` is called once requests can be taken."""
    _Server(app, host, port, ready).run()
