"""`haichieu token`: keys to the API."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from admin.access import tokens
from haichieu.account_rights import account_of
from haichieu.cli.in_home import Home, open_station
from haichieu.database import now

app = typer.Typer(name="token", help="Mã truy cập API / keys to the API.", no_args_is_help=True)

ACTOR = "command line"


@app.command()
def create(
    account: Annotated[str, typer.Option("--account", help="Tài khoản / whose rights it has (e-mail).")],
    name: Annotated[str, typer.Option(help="Tên, để nhớ dùng làm gì / what it is for.")] = "haichieu token create",
    home: Home = None,
) -> None:
    """Tạo mã và in ra một lần / make a token and print it, this once."""
    database, _ = open_station(home)
    with database.session() as session:
        token = tokens.create(session, account_of(session, account), name, ACTOR, now())
    print(token)


@app.command("list")
def list_tokens(
    account: Annotated[str, typer.Option("--account", help="Chỉ của tài khoản / of one account alone.")] = "",
    home: Home = None,
) -> None:
    """Các mã đang dùng được / the tokens that hold."""
    database, _ = open_station(home)
    with database.session() as session:
        found = tokens.tokens_of(session, account_of(session, account).id if account else None)
    if not found:
        print("Chưa có mã truy cập nào. / There is no token yet.")
        return
    table = Table()
    for column in ("số / no.", "tài khoản / account", "tên / name", "mã / token", "dùng lần cuối / last used"):
        table.add_column(column)
    for one in found:
        used = f"{one.last_used_at.astimezone():%Y-%m-%d %H:%M}" if one.last_used_at else ""
        table.add_row(str(one.id), one.account.email, one.name, f"{one.hint}…", used)
    Console().print(table)


@app.command()
def revoke(number: Annotated[int, typer.Argument(help="Số của mã / the token's number.")], home: Home = None) -> None:
    """Thu hồi một mã / end a token at once."""
    database, _ = open_station(home)
    with database.session() as session:
        tokens.revoke(session, number, ACTOR, now())
    print(f"Đã thu hồi mã số {number}. / Token {number} is revoked.")
