"""The `haichieu` command inside the test's own process: a new one would take two seconds of imports each time."""

from dataclasses import dataclass
from unittest import mock

from typer.testing import CliRunner

from haichieu.cli import app, command_groups
from haichieu.errors import HaiChieuError
from haichieu.locale import render

_GROUPS = command_groups(app)


@dataclass(frozen=True)
class Finished:
    """What a command printed, and how it ended."""

    returncode: int
    stdout: str
    stderr: str


def haichieu(*arguments: str, said: str = "", language: str = "en") -> Finished:
    """Run a command with `said` on its standard input."""
    with mock.patch("haichieu.command_language.language", return_value=language):
        ran = CliRunner().invoke(_GROUPS, list(arguments), input=said)
    if isinstance(ran.exception, HaiChieuError):
        return Finished(ran.exception.exit_status, ran.stdout, render(ran.exception.message, language))
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return Finished(ran.exit_code, ran.stdout, ran.stderr)
