"""The `haichieu` command inside the test's own process: a new one would take two seconds of imports each time."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

import structlog
from typer.testing import CliRunner

from haichieu.cli import app, command_groups
from haichieu.errors import HaiChieuError
from haichieu.locale import render

_GROUPS = command_groups(app)


@contextmanager
def process_as_before() -> Iterator[None]:
    """Undo what a command changes in its process: the umask, and logs to a standard error that is closed afterwards."""
    configured, hook = structlog.get_config(), sys.excepthook
    umask = os.umask(0o022)
    os.umask(umask)
    try:
        yield
    finally:
        os.umask(umask)
        structlog.configure(**configured)
        sys.excepthook = hook


@dataclass(frozen=True)
class Finished:
    """What a command printed, and how it ended."""

    returncode: int
    stdout: str
    stderr: str


def haichieu(*arguments: str, said: str = "", language: str = "en") -> Finished:
    """Run a command with `said` on its standard input."""
    with mock.patch("haichieu.command_language.language", return_value=language), process_as_before():
        ran = CliRunner().invoke(_GROUPS, list(arguments), input=said)
    if isinstance(ran.exception, HaiChieuError):
        return Finished(ran.exception.exit_status, ran.stdout, render(ran.exception.message, language))
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return Finished(ran.exit_code, ran.stdout, ran.stderr)
