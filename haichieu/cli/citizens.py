"""`haichieu citizen`: all that is held of one citizen, handed over or erased when they ask for it."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from dialplans.configuration import spool_folder
from feedback.citizens import privacy
from feedback.citizens.export import export_citizen
from feedback.citizens.registry import open_citizens
from haichieu.account_rights import Action, account_of, require
from haichieu.cli.in_home import By, Home, open_station
from haichieu.database import now
from haichieu.errors import UsageError
from haichieu.people import Account
from haichieu.phone_numbers import normalise
from haichieu.settings import load_settings
from haichieu.spool import Spool

app = typer.Typer(name="citizen", help="Dữ liệu của một người dân / the data of one citizen.", no_args_is_help=True)

Phone = Annotated[str, typer.Argument(help="Số điện thoại, hoặc - để đọc từ đầu vào chuẩn / the phone number, or -.")]


@app.command()
def export(
    number: Phone, file: Annotated[Path, typer.Argument(help="Tệp ZIP / the ZIP file to write.")], by: By,
    home: Home = None,
) -> None:  # fmt: skip
    """Xuất mọi dữ liệu của một người / write all that is held of one citizen into a ZIP file."""
    database, store = open_station(home)
    book = open_citizens(load_settings(home=home).home.absolute())
    with database.session() as session:
        account = _trusted(session, by)
        cases = export_citizen(session, store, book, _read(number), file, f"account:{account.email}")
    print(f"{cases} phản ánh / cases → {file}")


@app.command()
def erase(
    number: Phone,
    by: By,
    home: Home = None,
    yes: Annotated[bool, typer.Option("--yes", help="Không hỏi lại / do not ask.")] = False,
) -> None:
    """Xóa vĩnh viễn số điện thoại, lời nói, bản chép / erase number, sounds and words of one citizen for good."""
    database, store = open_station(home)
    settings = load_settings(home=home)
    base = settings.home.absolute()
    with database.session() as session:
        _trusted(session, by)
    read = _read(number)
    if not yes:
        typer.confirm("Xóa vĩnh viễn, không lấy lại được? / Erase for good, with no way back?", abort=True)
    with database.session() as session:
        account = _trusted(session, by)
        erased = privacy.erase_citizen(session, store, open_citizens(base), read, f"account:{account.email}", now())
    for name in erased.recordings:
        Spool(spool_folder(settings) / "recording").discard(name)
    database.forget(privacy.TABLES)
    print(
        f"Đã xóa / erased: {erased.cases} phản ánh / cases, {erased.messages} tin / messages, "
        f"{erased.files} tệp / files, {erased.calls} cuộc gọi nợ / calls owed."
    )


def _trusted(session: Session, email: str) -> Account:
    account = account_of(session, email)
    require(session, account, Action.PRIVACY, account.unit_id)
    return account


def _read(number: str) -> str:
    text = typer.get_text_stream("stdin").readline() if number == "-" else number
    read = normalise(text)
    if read is None or not read.lstrip("+").isdigit():
        raise UsageError("Đây không phải là số điện thoại. / This is not a phone number.")
    return read
