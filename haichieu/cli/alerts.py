"""`haichieu alert`: sources of CAP 1.2 alerts, the geocodes of units, and an alert from a file."""

import sys
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.table import Table
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.authenticity import DetachedSignature, EnvelopedSignature, Proof, SharedSecret
from broadcast_bridge.alerts.decisions import receive_from_anyone
from broadcast_bridge.alerts.geography import name_unit
from broadcast_bridge.alerts.models import AlertSource, CapAlert
from broadcast_bridge.alerts.sources import SourceSettings, configure_source
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.speakers.zones import zones_coded
from haichieu.account_rights import Action, account_of, require
from haichieu.cli.options import By, Home
from haichieu.command_language import said_here, say, show_moment, terminal
from haichieu.database import now
from haichieu.errors import UsageError
from haichieu.people import Unit
from haichieu.processes.opened_station import open_station
from haichieu.settings import load_settings

app = typer.Typer(name="alert", help=say("cli.alert.help"), no_args_is_help=True)


@app.command(help=say("cli.alert.source"))
def source(
    code: Annotated[str, typer.Argument(help=say("cli.alert.code"))],
    name: Annotated[str, typer.Option(help=say("cli.alert.name"))],
    sender: Annotated[list[str], typer.Option(help=say("cli.alert.sender"))],
    by: By,
    home: Home = None,
    certificate: Annotated[Path | None, typer.Option(help=say("cli.alert.certificate"), exists=True)] = None,
    public_key: Annotated[Path | None, typer.Option(help=say("cli.alert.public_key"), exists=True)] = None,
    secret: Annotated[bool, typer.Option("--secret", help=say("cli.alert.secret"))] = False,
    feed: Annotated[str, typer.Option(help=say("cli.alert.feed"))] = "",
    feed_seconds: Annotated[int, typer.Option(help=say("cli.alert.feed_seconds"))] = 60,
    highest: Annotated[Priority, typer.Option(help=say("cli.alert.highest"))] = Priority.EMERGENCY,
    exercises: Annotated[bool, typer.Option(help=say("cli.alert.exercises"))] = False,
    zone: Annotated[list[str] | None, typer.Option(help=say("cli.alert.zone"))] = None,
    disabled: Annotated[bool, typer.Option("--disabled", help=say("cli.alert.disabled"))] = False,
) -> None:
    station = open_station(load_settings(home=home))
    with station.database.session() as session:
        actor = _administrator(session, by)
        wanted = SourceSettings(
            code, name, sender,
            secret=sys.stdin.readline().strip() if secret else "",
            certificate=certificate.read_text() if certificate else "",
            public_key=public_key.read_text() if public_key else "",
            feed_url=feed, feed_seconds=feed_seconds, highest_priority=highest, speaks_exercises=exercises,
            enabled=not disabled, zones=zones_coded(session, zone or []),
        )  # fmt: skip
        configured = configure_source(session, station.vault, wanted, actor, now())
        print(configured.code, configured.name, say(f"cli.alert.{'on' if configured.enabled else 'off'}"), sep="\t")


@app.command(help=say("cli.alert.place"))
def place(
    unit: Annotated[str, typer.Argument(help=say("cli.alert.unit"))],
    scheme: Annotated[str, typer.Argument(help=say("cli.alert.scheme"))],
    value: Annotated[str, typer.Argument(help=say("cli.alert.value"))],
    by: By,
    home: Home = None,
) -> None:
    station = open_station(load_settings(home=home))
    with station.database.session() as session:
        name_unit(session, _unit(session, unit), scheme, value, _administrator(session, by))


@app.command(help=say("cli.alert.receive"))
def receive(
    file: Annotated[Path, typer.Argument(help=say("cli.alert.file"), exists=True, dir_okay=False)],
    home: Home = None,
    hmac: Annotated[str, typer.Option(help=say("cli.alert.hmac"))] = "",
    ed25519: Annotated[str, typer.Option(help=say("cli.alert.ed25519"))] = "",
) -> None:
    station = open_station(load_settings(home=home))
    proof: Proof = EnvelopedSignature()
    if hmac:
        proof = SharedSecret(hmac, station.vault)
    elif ed25519:
        proof = DetachedSignature(ed25519)
    with station.database.session() as session:
        decision = receive_from_anyone(session, file.read_bytes(), proof, now())
        speakers = say("cli.alert.speakers", count=len(decision.speakers))
        print(decision.kind, decision.priority, speakers, said_here(session, decision.reason), sep="\t")
        refusal = decision.refusal
    if refusal is not None:
        raise refusal


@app.command("list", help=say("cli.alert.list"))
def list_alerts(home: Home = None) -> None:
    station = open_station(load_settings(home=home))
    with station.database.reading() as session:
        sources = session.scalars(sa.select(AlertSource).order_by(AlertSource.code)).all()
        if not sources:
            print(say("cli.alert.none"))
            return
        table = Table()
        for column in ("source", "name", "enabled", "last_answer", "problem"):
            table.add_column(say(f"cli.alert.column.{column}"))
        for one in sources:
            answered = show_moment(session, one.last_ok_at)
            table.add_row(
                one.code, one.name, "✓" if one.enabled else "", answered, said_here(session, one.last_problem)
            )
        terminal().print(table)
        for alert in session.scalars(sa.select(CapAlert).order_by(CapAlert.id.desc()).limit(20)):
            print(
                alert.id,
                show_moment(session, alert.sent),
                alert.identifier,
                alert.state,
                said_here(session, alert.reason),
                sep="\t",
            )


def _administrator(session: Session, email: str) -> str:
    """Return the actor. Raises NotAllowed unless it may configure: a source of alerts can sound every siren."""
    account = account_of(session, email)
    require(session, account, Action.CONFIGURE, account.unit_id)
    return f"account:{account.email}"


def _unit(session: Session, code: str) -> Unit:
    unit = session.scalar(sa.select(Unit).where(Unit.code == code))
    if unit is None:
        raise UsageError("cli.no_unit", code=code)
    return unit
