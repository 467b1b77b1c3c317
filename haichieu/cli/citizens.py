"""`haichieu citizen`: export or erase the data of one citizen."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from feedback.citizens import privacy
from feedback.citizens.export import export_citizen
from haichieu.account_rights import Action, account_of, require
from haichieu.cli.options import By, Home
from haichieu.command_language import said, say
from haichieu.database import now
from haichieu.errors import UsageError
from haichieu.locale import Message, message
from haichieu.people import Account
from haichieu.phone_numbers import normalise
from haichieu.processes.opened_station import open_station
from haichieu.processes.spooled_erasure import erase_from_spool
from haichieu.settings import load_settings
from haichieu.spool import Spool

app = typer.Typer(name="citizen", help=say("cli.citizen.help"), no_args_is_help=True)

Phone = Annotated[str, typer.Argument(help=say("cli.citizen.number"))]


@app.command(help=say("cli.citizen.export"))
def export(
    number: Phone, file: Annotated[Path, typer.Argument(help=say("cli.citizen.file"))], by: By, home: Home = None
) -> None:
    station = open_station(load_settings(home=home))
    with station.database.session() as session:
        account = _trusted(session, by)
        cases = export_citizen(
            session, station.media, station.citizens, _read(number), file, f"account:{account.email}"
        )
    print(say("cli.citizen.exported", count=cases, file=file))


@app.command(help=say("cli.citizen.erase"))
def erase(
    number: Phone,
    by: By,
    home: Home = None,
    yes: Annotated[bool, typer.Option("--yes", help=say("cli.citizen.yes"))] = False,
) -> None:
    station = open_station(load_settings(home=home))
    with station.database.session() as session:
        _trusted(session, by)
    read = _read(number)
    if not yes:
        typer.confirm(say("cli.citizen.confirm"), abort=True)
    spooled = erase_from_spool(station.home, station.database, read)
    with station.database.session() as session:
        account = _trusted(session, by)
        erased = privacy.erase_citizen(
            session, station.media, station.citizens, read, f"account:{account.email}", now(), spooled=spooled
        )
    for name in erased.recordings:
        Spool(station.recordings).discard(name)
    station.database.forget(privacy.TABLES)
    print(said(_summary(erased)))


def _summary(erased: privacy.Erased) -> Message:
    counts = {"cases": erased.cases, "messages": erased.messages, "files": erased.files, "calls": erased.calls}
    return message(
        "cli.citizen.erased", what=tuple(message(f"cli.citizen.{name}", count=count) for name, count in counts.items())
    )


def _trusted(session: Session, email: str) -> Account:
    account = account_of(session, email)
    require(session, account, Action.PRIVACY, account.unit_id)
    return account


def _read(number: str) -> str:
    text = typer.get_text_stream("stdin").readline() if number == "-" else number
    read = normalise(text)
    if read is None or not read.lstrip("+").isdigit():
        raise UsageError("cli.citizen.not_a_number")
    return read
