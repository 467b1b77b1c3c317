"""`haichieu token`: API tokens."""

from typing import Annotated

import typer
from rich.table import Table

from admin.access import tokens
from haichieu.account_rights import Action, account_of
from haichieu.cli.options import Home
from haichieu.command_language import say, show_moment, terminal
from haichieu.database import now
from haichieu.processes.opened_station import open_station
from haichieu.settings import load_settings

app = typer.Typer(name="token", help=say("cli.token.help"), no_args_is_help=True)

ACTOR = "command line"


@app.command(help=say("cli.token.create"))
def create(
    account: Annotated[str, typer.Option("--account", help=say("cli.token.create_account"))],
    name: Annotated[str, typer.Option(help=say("cli.token.create_name"))] = "haichieu token create",
    may: Annotated[list[Action] | None, typer.Option("--may", help=say("cli.token.create_may"))] = None,
    days: Annotated[int, typer.Option("--days", help=say("cli.token.create_days"))] = tokens.DAYS,
    home: Home = None,
) -> None:
    limits = tokens.Limits(set(may) if may else None, days)
    station = open_station(load_settings(home=home))
    with station.database.session() as session:
        token = tokens.create(session, account_of(session, account), name, ACTOR, now(), limits)
    print(token)


@app.command("list", help=say("cli.token.list"))
def list_tokens(
    account: Annotated[str, typer.Option("--account", help=say("cli.token.list_account"))] = "",
    home: Home = None,
) -> None:
    station = open_station(load_settings(home=home))
    with station.database.reading() as session:
        found = tokens.tokens_of(session, now(), account_of(session, account).id if account else None)
        if not found:
            print(say("cli.token.none"))
            return
        table = Table()
        for column in ("number", "account", "name", "token", "scope", "end", "last_used"):
            table.add_column(say(f"cli.token.column.{column}"))
        for one in found:
            scope, end = ", ".join(one.scope), show_moment(session, one.expires_at)
            used = show_moment(session, one.last_used_at)
            table.add_row(str(one.id), one.account.email, one.name, f"{one.hint}…", scope, end, used)
    terminal().print(table)


@app.command(help=say("cli.token.revoke"))
def revoke(number: Annotated[int, typer.Argument(help=say("cli.token.revoke_number"))], home: Home = None) -> None:
    station = open_station(load_settings(home=home))
    with station.database.session() as session:
        tokens.revoke(session, number, ACTOR, now())
    print(say("cli.token.revoked", number=number))
