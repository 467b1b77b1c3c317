"""`haichieu programme` and `haichieu stop`: programmes from the command line, with an account's rights."""

import datetime
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sqlalchemy.orm import Session

from broadcast_bridge import planning
from broadcast_bridge.models import Broadcast
from broadcast_bridge.planning import Request
from broadcast_bridge.programmes import approval, intake, retention, search, survey
from broadcast_bridge.programmes.intake import About, Ready
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.search import Wanted
from broadcast_bridge.programmes.states import Origin
from broadcast_bridge.states import Priority
from broadcast_bridge.zones import units_heard
from haichieu.account_rights import Action, account_of, require
from haichieu.cli.in_home import By, Home, open_station, unit_coded
from haichieu.database import now
from haichieu.errors import UsageError
from haichieu.people import Account, Unit
from haichieu.speech import EspeakSynthesiser

app = typer.Typer(
    name="programme", help="Chương trình: thêm, duyệt, phát / programmes: add, approve, air.", no_args_is_help=True
)

WORTH_HEARING = datetime.timedelta(hours=1)

Number = Annotated[int, typer.Argument(help="Số của chương trình / the programme's number.")]


@app.command()
def add(
    source: Annotated[str, typer.Argument(help="Tệp âm thanh, hoặc văn bản với --text / a sound file, or a text.")],
    title: Annotated[str, typer.Option(help="Tiêu đề / title.")],
    unit: Annotated[str, typer.Option(help="Mã đơn vị / code of the unit.")],
    by: By,
    home: Home = None,
    text: Annotated[
        bool, typer.Option("--text", help="Đọc văn bản, '-' là đầu vào chuẩn / read a text aloud.")
    ] = False,
    category: Annotated[str, typer.Option(help="Chuyên mục / category.")] = "",
    language: Annotated[str, typer.Option(help="Ngôn ngữ / language (ISO 639).")] = "vi",
    submit: Annotated[bool, typer.Option("--submit", help="Gửi duyệt luôn / submit it for approval.")] = False,
) -> None:
    """Thêm chương trình / add a programme from a sound file or a text."""
    database, store = open_station(home)
    with database.session() as session:
        _editor(session, by, unit)
    with store.scratch() as folder:
        ready = _ready(source, Path(folder), text=text, language=language)
        with database.session() as session:
            account, where = _editor(session, by, unit)
            about = About(title, where.id, f"account:{account.email}", account.name, category, language)
            programme = intake.add(session, store, about, ready, now())
            if submit:
                approval.submit(session, programme, about.author, now())
            print(f"{programme.id}\t{programme.state}\t{programme.seconds:.1f} s\t{programme.title}")


@app.command("list")
def list_programmes(
    home: Home = None,
    words: Annotated[str, typer.Option("--search", help="Từ cần tìm, có dấu hay không / words to look for.")] = "",
    page: Annotated[int, typer.Option(min=0, help="Trang / page, from 0.")] = 0,
) -> None:
    """Danh sách chương trình / list programmes, the newest first."""
    database, _ = open_station(home)
    with database.session() as session:
        found, total = search.find(session, Wanted(words), page)
        if not found:
            print("Chưa có chương trình nào như vậy. / There is no such programme yet.")
            return
        table = Table(title=f"{total} chương trình / programmes")
        for column in ("số / no.", "tiêu đề / title", "trạng thái / state", "giây / s", "người soạn / author"):
            table.add_column(column)
        for one in found:
            table.add_row(str(one.id), one.title, one.state, f"{one.seconds or 0:.0f}", one.author_name)
        Console().print(table)


@app.command("from-broadcast")
def from_broadcast(
    broadcast: Annotated[int, typer.Argument(help="Số của buổi phát trực tiếp / number of a live broadcast.")],
    title: Annotated[str, typer.Option(help="Tiêu đề / title.")],
    unit: Annotated[str, typer.Option(help="Mã đơn vị / code of the unit.")],
    by: By,
    home: Home = None,
) -> None:
    """Lấy bản ghi một buổi trực tiếp làm chương trình / make a programme of a past live broadcast."""
    database, store = open_station(home)
    with database.session() as session:
        _editor(session, by, unit)
        aired = session.get(Broadcast, broadcast)
        if aired is None or aired.recording is None:
            raise UsageError(f"Buổi phát {broadcast} không có bản ghi. / The broadcast {broadcast} has no recording.")
        recording = store.path(aired.recording)
    with store.scratch() as folder:
        ready = intake.ready_recording(recording, Path(folder), Origin.LIVE)
        with database.session() as session:
            account, where = _editor(session, by, unit)
            about = About(title, where.id, f"account:{account.email}", account.name)
            programme = intake.add(session, store, about, ready, now())
            print(f"{programme.id}\t{programme.state}\t{programme.seconds:.1f} s\t{programme.title}")


@app.command()
def preview(
    text: Annotated[str, typer.Argument(help="Văn bản, '-' là đầu vào chuẩn / a text.")],
    file: Annotated[Path, typer.Argument(help="Tệp WAV được ghi / the WAV file to write.")],
    language: Annotated[str, typer.Option(help="Ngôn ngữ / language (ISO 639).")] = "vi",
) -> None:
    """Nghe thử một văn bản / write how a text will be read aloud, and keep nothing."""
    with tempfile.TemporaryDirectory() as folder:
        ready = _ready(text, Path(folder), text=True, language=language)
        shutil.copyfile(ready.forms.wide, file)
    print(f"{ready.forms.seconds:.1f} s → {file}")


@app.command()
def usage(home: Home = None) -> None:
    """Kho đang giữ gì, người nghe nói gì / what the store holds, by unit and origin, and what listeners say of it."""
    database, _ = open_station(home)
    with database.session() as session:
        kept = retention.usage(session)
        votes = survey.tallies(session)
    if not kept:
        print("Kho chưa có chương trình nào. / The store holds no programme yet.")
        return
    table = Table()
    for column in ("đơn vị / unit", "nguồn / origin", "số / programmes", "phút / minutes", "MB"):
        table.add_column(column)
    for one in kept:
        table.add_row(one.unit, one.origin, str(one.programmes), f"{one.seconds / 60:.1f}", f"{one.bytes / 1e6:.1f}")
    Console().print(table)
    if votes:
        Console().print(_tallies(votes))


def _tallies(votes: Sequence[survey.Tally]) -> Table:
    """What listeners said by keypad: was it useful?"""
    table = Table()
    for column in ("chương trình / programme", "đơn vị / unit", "có ích / useful", "không / not useful"):
        table.add_column(column)
    for vote in votes:
        table.add_row(f"{vote.programme_id} {vote.title}", vote.unit, str(vote.useful), str(vote.not_useful))
    return table


@app.command()
def submit(number: Number, by: By, home: Home = None) -> None:
    """Gửi duyệt / submit a draft for approval."""
    _step(home, number, by, Action.EDIT, lambda session, one, who: approval.submit(session, one, who, now()))


@app.command()
def approve(number: Number, by: By, home: Home = None) -> None:
    """Duyệt / approve; the author cannot, unless the unit allows it."""
    _step(home, number, by, Action.APPROVE, lambda session, one, who: approval.approve(session, one, who, now()))


@app.command("return")
def send_back(
    number: Number, by: By, because: Annotated[str, typer.Option(help="Lý do / the reason.")], home: Home = None
) -> None:
    """Trả lại kèm lý do / return it to its author with a reason."""
    _step(
        home,
        number,
        by,
        Action.APPROVE,
        lambda session, one, who: approval.send_back(session, one, who, because, now()),
    )


@app.command()
def withdraw(number: Number, by: By, home: Home = None) -> None:
    """Rút lại / withdraw it for good."""
    _step(home, number, by, Action.EDIT, lambda session, one, who: approval.withdraw(session, one, who, now()))


@app.command()
def air(
    number: Number,
    by: By,
    zone: Annotated[
        list[str] | None, typer.Option(help="Mã khu vực, có thể lặp lại / zone code, may be repeated.")
    ] = None,
    home: Home = None,
    priority: Annotated[Priority, typer.Option(help="Mức ưu tiên / priority.")] = Priority.NORMAL,
    at: Annotated[datetime.datetime | None, typer.Option(help="Giờ phát, giờ máy / when, local time.")] = None,
) -> None:
    """Phát một chương trình đã duyệt / put an approved programme on the air, now or at an hour."""
    database, _ = open_station(home)
    with database.session() as session:
        account, programme = account_of(session, by), _programme(session, number)
        codes = zone or programme.zone_codes
        if not codes:
            raise UsageError("Cần --zone: chương trình chưa có khu vực. / The programme names no zone: give --zone.")
        action = Action.EMERGENCY if priority is Priority.EMERGENCY else Action.AIR
        for unit_id in units_heard(session, codes):
            require(session, account, action, unit_id)
        approval.require_for_the_air(programme, now())
        due_at = at.astimezone(datetime.UTC) if at else now()
        request = Request(
            asked_by=f"account:{account.email}",
            title=programme.title,
            sound_ids=[programme.sound_id] if programme.sound_id else [],
            zone_codes=codes,
            priority=priority,
            due_at=due_at,
            siren=priority is Priority.EMERGENCY,
            worth_hearing_until=due_at + WORTH_HEARING,
        )
        broadcast = planning.ask(session, request, now())
        print(f"{broadcast.id}\t{broadcast.state}\t{broadcast.zone_names}\t{due_at.astimezone():%Y-%m-%d %H:%M:%S}")


def stop_broadcast(home: Path | None, number: int, by: str) -> None:
    """End a broadcast that is on air, or will be. Raises NotAllowed or UsageError."""
    database, _ = open_station(home)
    with database.session() as session:
        account, broadcast = account_of(session, by), session.get(Broadcast, number)
        if broadcast is None:
            raise UsageError(f"Không có buổi phát số {number}. / There is no broadcast {number}.")
        for unit_id in {delivery.speaker.unit_id for delivery in broadcast.deliveries} or {account.unit_id}:
            require(session, account, Action.AIR, unit_id)
        planning.ask_to_stop(session, number, f"account:{account.email}", now())


def _editor(session: Session, email: str, unit_code: str) -> tuple[Account, Unit]:
    account = account_of(session, email)
    unit = unit_coded(session, unit_code)
    require(session, account, Action.EDIT, unit.id)
    return account, unit


def _ready(source: str, folder: Path, *, text: bool, language: str) -> Ready:
    if text:
        words = sys.stdin.read() if source == "-" else source
        return intake.ready_text(words, language, EspeakSynthesiser(), folder)
    file = Path(source)
    if not file.is_file():
        raise UsageError(f"Không có tệp {file}. / There is no file {file}.")
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(file.name, total=1.0)
        return intake.ready_upload(file, folder, file.name, progress=lambda share: bar.update(task, completed=share))


def _programme(session: Session, number: int) -> Programme:
    programme = session.get(Programme, number)
    if programme is None:
        raise UsageError(f"Không có chương trình số {number}. / There is no programme {number}.")
    return programme


def _step(
    home: Path | None, number: int, email: str, action: Action, step: Callable[[Session, Programme, str], None]
) -> None:
    database, _ = open_station(home)
    with database.session() as session:
        account, programme = account_of(session, email), _programme(session, number)
        require(session, account, action, programme.unit_id)
        step(session, programme, f"account:{account.email}")
        print(f"{programme.id}\t{programme.state}\t{programme.title}")
