"""`haichieu audit`: read and verify the audit trail."""

import json
import re
from typing import Annotated

import typer
from rich.table import Table

from broadcast_bridge.duties import duty_certificates
from haichieu import audit
from haichieu.audit import Head
from haichieu.cli.options import AsJson, Home
from haichieu.command_language import said, say, show_moment, terminal
from haichieu.errors import UsageError
from haichieu.processes.opened_station import open_station
from haichieu.settings import load_settings

app = typer.Typer(name="audit", help=say("cli.audit.help"), no_args_is_help=True)


@app.command(help=say("cli.audit.verify"))
def verify(
    home: Home = None,
    noted: Annotated[str, typer.Option("--head", help=say("cli.audit.head"))] = "",
    as_json: AsJson = False,
) -> None:
    with open_station(load_settings(home=home)).database.reading() as session:
        verdict = audit.verify(session, _head(noted))
    if as_json:
        print(
            json.dumps(
                {
                    "ok": verdict.broken_at is None,
                    "entries": verdict.head.position,
                    "head": f"{verdict.head.position}:{verdict.head.digest}",
                    "broken_at": verdict.broken_at,
                    "problem": said(verdict.problem) or None,
                },
                ensure_ascii=False,
            )
        )
    elif verdict.broken_at is None:
        print(say("cli.audit.whole", count=verdict.head.position))
        print(f"{verdict.head.position}:{verdict.head.digest}")
    else:
        print(say("cli.audit.broken", position=verdict.broken_at, problem=said(verdict.problem)))
    raise SystemExit(0 if verdict.broken_at is None else 1)


@app.command("list", help=say("cli.audit.list"))
def list_entries(
    home: Home = None,
    words: Annotated[str, typer.Option("--search", help=say("cli.audit.search"))] = "",
    most: Annotated[int, typer.Option(min=1, max=1000, help=say("cli.audit.most"))] = 50,
) -> None:
    with open_station(load_settings(home=home)).database.reading() as session:
        found = audit.find(session, words=words, most=most)
        if not found:
            print(say("cli.audit.none"))
            return
        table = Table()
        for column in ("at", "actor", "action", "subject", "detail"):
            table.add_column(say(f"cli.audit.column.{column}"))
        for entry in found:
            at = show_moment(session, entry.at, "HH:mm:ss")
            detail = json.dumps(entry.detail, ensure_ascii=False) if entry.detail else ""
            table.add_row(at, entry.actor, entry.action, entry.subject, detail)
    terminal().print(table)


@app.command(help=say("cli.audit.certificate"))
def certificate(code: Annotated[str, typer.Argument(help=say("cli.audit.code"))], home: Home = None) -> None:
    with open_station(load_settings(home=home)).database.reading() as session:
        found = duty_certificates.certificate_coded(session, code)
        verdict = audit.verify(session)
        if verdict.broken_at is not None:
            print(say("cli.audit.broken", position=verdict.broken_at, problem=said(verdict.problem)))
            raise SystemExit(1)
        print(say("cli.audit.certified", code=found.code, at=show_moment(session, found.issued_at)))
        for name, value in found.facts.items():
            print(f"{name}: {value}")


def _head(noted: str) -> Head | None:
    if not noted:
        return None
    if not re.fullmatch(r"\d+:[0-9a-f]{64}", noted):
        raise UsageError("cli.audit.bad_head", head=noted)
    position, digest = noted.split(":")
    return Head(int(position), digest)
