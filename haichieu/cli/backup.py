"""`haichieu backup` and `haichieu restore`: the whole station in one file, and back."""

import datetime
import sys
from pathlib import Path

import typer

from haichieu.backup.archive import is_encrypted
from haichieu.backup.backing_up import make_backup
from haichieu.backup.restoring import restore_backup
from haichieu.command_language import say
from haichieu.database import Database
from haichieu.errors import UsageError
from haichieu.home import enter_home
from haichieu.settings import Settings

ACTOR = "command line"
LEAST_PASSPHRASE = 8


def run_backup(settings: Settings, file: Path, *, encrypt: bool, passphrase_file: Path | None) -> None:
    """Write a backup, and warn when it is not encrypted or something is missing."""
    passphrase = _passphrase(settings, passphrase_file, ask=encrypt, new=True)
    enter_home(settings.home.absolute())
    made = make_backup(Database(settings.resolved_database_url), settings, file, passphrase, ACTOR)
    print(say("cli.backup.made", file=made.file, megabytes=round(made.bytes / 1e6, 1), media=made.media))
    if made.missing:
        print(say("cli.backup.missing", count=len(made.missing)), file=sys.stderr)
    if not made.encrypted:
        print(say("cli.backup.in_clear"), file=sys.stderr)


def run_restore(settings: Settings, file: Path, *, replace: bool, passphrase_file: Path | None) -> None:
    """Restore a backup, and say what to look at afterwards."""
    passphrase = _passphrase(settings, passphrase_file, ask=is_encrypted(file), new=False)
    restored = restore_backup(settings, file, passphrase, replace=replace, actor=ACTOR)
    made_at = datetime.datetime.fromisoformat(restored.manifest.made_at)
    print(say("cli.restore.done", station=restored.manifest.station, made_at=made_at))
    if restored.manifest.missing:
        print(say("cli.backup.missing", count=len(restored.manifest.missing)), file=sys.stderr)
    if restored.settings is not None:
        print(say("cli.restore.settings", file=restored.settings))
    if restored.former is not None:
        print(say("cli.restore.former", folder=restored.former))


def _passphrase(settings: Settings, file: Path | None, *, ask: bool, new: bool) -> str:
    """Return the passphrase from the file, the settings or the terminal; "" for none."""
    if file is not None:
        found = file.read_text().rstrip("\r\n")
    elif settings.backup_passphrase:
        found = settings.backup_passphrase
    elif ask:
        again = say("cli.backup.passphrase_again") if new else False
        found = str(typer.prompt(say("cli.backup.passphrase"), hide_input=True, err=True, confirmation_prompt=again))
    else:
        return ""
    if new and len(found) < LEAST_PASSPHRASE:
        raise UsageError("cli.backup.short_passphrase", least=LEAST_PASSPHRASE)
    return found
