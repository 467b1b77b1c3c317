"""`haichieu case`: what citizens asked and what the office does about it, with an account's rights."""

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.orm import Session

from feedback import assigning, attachments, case_table, duplicates, merging, notes, replies, search
from feedback.case_numbers import spoken_groups
from feedback.cases import find_case, happen
from feedback.citizens import CitizenBook, open_citizens
from feedback.models import Case, Category, Department
from feedback.privacy import number_for
from feedback.search import Place, Wanted
from feedback.states import CaseEvent, CaseStatus, Channel, ReplyState, Way
from haichieu.account_rights import Action, account_of, require
from haichieu.cli.in_home import By, Home, open_station, unit_coded
from haichieu.database import now
from haichieu.errors import UsageError
from haichieu.people import Account
from haichieu.settings import load_settings
from haichieu.station import the_station

app = typer.Typer(
    name="case", help="Phản ánh: xem, giao, trả lời, đóng / cases: read, assign, answer, close.", no_args_is_help=True
)

Number = Annotated[str, typer.Argument(help="Mã phản ánh / the case's number.")]
Unit = Annotated[str, typer.Option(help="Mã đơn vị, kể cả cấp dưới / code of a unit, and all under it.")]
Words = Annotated[str, typer.Option("--search", help="Từ cần tìm, có dấu hay không / words to look for.")]
Statuses = Annotated[
    list[CaseStatus] | None, typer.Option("--status", help="Trạng thái, có thể lặp / may be repeated.")
]
CategoryCode = Annotated[str, typer.Option("--category", help="Mã lĩnh vực / code of a category.")]
DepartmentCode = Annotated[str, typer.Option("--department", help="Mã phòng ban / code of a department.")]
Overdue = Annotated[bool, typer.Option("--overdue", help="Chỉ phản ánh quá hạn / only what is late.")]
Travelled = Annotated[Channel | None, typer.Option("--channel", help="call, text, panel.")]


@app.command("list")
def list_cases(
    by: By,
    home: Home = None,
    unit: Unit = "",
    words: Words = "",
    status: Statuses = None,
    category: CategoryCode = "",
    department: DepartmentCode = "",
    overdue: Overdue = False,
    channel: Travelled = None,
    after: Annotated[str, typer.Option(help="Trang tiếp theo: dấu mà trang trước in ra / the next page.")] = "",
) -> None:
    """Danh sách phản ánh, mới nhất trước / list cases, the newest first."""
    database, _ = open_station(home)
    with database.session() as session:
        wanted = _wanted(session, account_of(session, by), unit, words, status, category, department, overdue, channel)
        page = search.find(session, wanted, _place(after))
        waits = search.waiting(session, now(), wanted.unit_ids)
        if not page.cases:
            print("Không có phản ánh nào như vậy. / There is no such case. Xem tất cả / all: haichieu case list --by …")
            return
        zone = ZoneInfo(the_station(session).timezone)
        table = Table(title=f"chờ trả lời / open: {waits.open}, quá hạn / overdue: {waits.overdue}")
        for column in ("mã / number", "mở / opened", "hạn / due", "trạng thái / status", "đơn vị / unit",
                       "lĩnh vực / category", "nội dung / text"):  # fmt: skip
            table.add_column(column)
        for case in page.cases:
            table.add_row(
                spoken_groups(case.number), _local(case.opened_at, zone), _local(case.due_at, zone), case.status,
                escape(case.unit.name), escape(case.category.name) if case.category else "–",
                escape(_first_words(case)),
            )  # fmt: skip
        Console().print(table)
        if page.after:
            print(f"--after {page.after[0].isoformat()},{page.after[1]}")


@app.command()
def show(number: Number, by: By, home: Home = None) -> None:
    """Xem một phản ánh: lời nói, bản chép, lịch sử / one case with its messages, transcripts and history."""
    database, _ = open_station(home)
    with database.session() as session:
        account, case = _case(session, number, by, Action.READ_CASES)
        zone = ZoneInfo(the_station(session).timezone)
        for name, value in (
            ("mã / number", spoken_groups(case.number)),
            ("trạng thái / status", case.status),
            ("đơn vị / unit", f"{case.unit.name} ({case.unit_by})"),
            ("lĩnh vực / category", f"{case.category.name} ({case.category_by})" if case.category else "–"),
            ("phòng ban / department", case.department.name if case.department else "–"),
            ("người xử lý / assignee", case.assignee.name if case.assignee else "–"),
            ("hạn trả lời / due", _local(case.due_at, zone)),
            ("số điện thoại / phone", number_for(_book(home), account, case) or "ẩn danh / anonymous"),
        ):
            print(f"{name}: {value}")
        if case.duplicate_of_id is not None:
            print(f"đã gộp vào / merged into: {session.get_one(Case, case.duplicate_of_id).number}")
        for link in duplicates.links_of(session, case):
            other = session.get_one(Case, link.other_id if link.case_id == case.id else link.case_id)
            print(f"có thể trùng / likely a duplicate of: {other.number} ({link.score:.2f}, {link.because})")
        for message in case.messages:
            print(f"\n[{_local(message.at, zone)}] {message.direction} {message.channel} {message.author}")
            if message.text:
                print(_printable(message.text))
            if message.transcript:
                doubtful = " (?)" if message.transcript.doubtful else ""
                print(f"bản chép / transcript{doubtful}: {_printable(message.transcript.text) or '–'}")
            for attachment in message.attachments:
                print(f"tệp / file: {attachment.name}")
            for reply in message.replies:
                print(f"→ {reply.way}: {reply.state} {reply.reason}".rstrip())
        print("\nlịch sử / history:")
        for step in case.history:
            print(f"[{_local(step.at, zone)}] {step.actor}: {step.what} {step.before} → {step.after}")


@app.command()
def assign(
    number: Number,
    by: By,
    home: Home = None,
    department: DepartmentCode = "",
    to: Annotated[str, typer.Option(help="Tài khoản xử lý / the account that works on it (e-mail).")] = "",
    category: CategoryCode = "",
    unit: Annotated[str, typer.Option(help="Mã đơn vị / code of the unit.")] = "",
) -> None:
    """Giao phản ánh, hoặc sửa lĩnh vực và đơn vị / assign a case, or set its category and unit."""

    def step(session: Session, case: Case, who: str) -> None:
        if not (department or to or category or unit):
            raise UsageError("Cần --department, --to, --category hoặc --unit. / Give one of them.")
        if unit:
            place = unit_coded(session, unit)
            require(session, account_of(session, by), Action.WORK_ON_CASES, place.id)
            assigning.place(session, case, place, who, who, now())
        if category:
            assigning.categorise(session, case, _category(session, category), who, who, now())
        if department or to:
            assigning.assign(
                session, case, who, now(),
                department=_department(session, department) if department else None,
                account=account_of(session, to) if to else None,
            )  # fmt: skip

    _step(home, number, by, step)


@app.command()
def answer(
    number: Number,
    text: Annotated[str, typer.Argument(help="Câu trả lời / the answer.")],
    by: By,
    way: Annotated[list[Way] | None, typer.Option(help="text, call, air; có thể lặp / may be repeated.")] = None,
    home: Home = None,
) -> None:
    """Trả lời người dân, kể cả các phản ánh đã gộp / answer the citizen, and those of merged cases."""

    def step(session: Session, case: Case, who: str) -> None:
        replies.answer(session, case, replies.Answer(who, way or [], text), now())

    _step(home, number, by, step)


@app.command()
def retry(
    number: Number,
    by: By,
    way: Annotated[Way | None, typer.Option(help="text, call; bỏ trống: cả hai / both when left out.")] = None,
    home: Home = None,
) -> None:
    """Gửi lại tin nhắn, gọi lại cuộc gọi bị lỗi / try texts and calls that have failed again."""

    def step(session: Session, case: Case, who: str) -> None:
        failed = [
            reply
            for message in case.messages
            for reply in message.replies
            if reply.state == ReplyState.FAILED and reply.way in ((way,) if way else replies.RETRIED)
        ]
        if not failed:
            raise replies.NothingToRetry
        for reply in failed:
            replies.retry(session, reply, who, now())

    _step(home, number, by, step)


@app.command()
def note(
    number: Number,
    text: Annotated[str, typer.Argument(help="Ghi chú nội bộ / an internal note.")],
    by: By,
    attach: Annotated[Path | None, typer.Option(help="Tệp đính kèm / a file to keep with it.")] = None,
    home: Home = None,
) -> None:
    """Ghi chú nội bộ, người dân không biết / add a note that the citizen never gets to know."""
    store = open_station(home)[1]

    def step(session: Session, case: Case, who: str) -> None:
        message = notes.add_note(session, case, text, who, now())
        if attach is not None:
            if not attach.is_file():
                raise UsageError(f"Không có tệp {attach}. / There is no file {attach}.")
            attachments.attach(session, store, message, attach, attach.name)

    _step(home, number, by, step)


@app.command()
def close(number: Number, by: By, home: Home = None) -> None:
    """Đóng phản ánh, kể cả phản ánh đã gộp / close a case, and those that were merged into it."""

    _step(home, number, by, lambda session, case, who: merging.close(session, case, who, now()))


@app.command()
def reopen(number: Number, by: By, home: Home = None) -> None:
    """Mở lại phản ánh / open an answered or closed case anew; its due date is counted from now."""
    _step(home, number, by, lambda session, case, who: happen(session, case, CaseEvent.REOPEN, who, now()))


@app.command()
def merge(
    number: Number,
    into: Annotated[str, typer.Argument(help="Mã phản ánh chính / the number of the main case.")],
    by: By,
    home: Home = None,
    undo: Annotated[bool, typer.Option("--undo", help="Tách ra / let it stand for itself again.")] = False,
    dismiss: Annotated[bool, typer.Option("--dismiss", help="Không trùng nhau / they are not the same.")] = False,
) -> None:
    """Gộp phản ánh trùng nhau: trả lời một lần cho tất cả / merge a duplicate: one answer reaches both."""

    def step(session: Session, case: Case, who: str) -> None:
        _, main = _case(session, into, by, Action.WORK_ON_CASES)
        if dismiss:
            merging.dismiss(session, case, main, who, now())
        elif undo:
            merging.unmerge(session, case, who, now())
        else:
            merging.merge(session, case, main, who, now())

    _step(home, number, by, step)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Tệp CSV / the CSV file to write.")],
    by: By,
    home: Home = None,
    unit: Unit = "",
    words: Words = "",
    status: Statuses = None,
    category: CategoryCode = "",
    department: DepartmentCode = "",
    overdue: Overdue = False,
    channel: Travelled = None,
) -> None:
    """Xuất bảng thống kê, không có số điện thoại và lời nói / a table for statistics: no numbers, no words."""
    database, _ = open_station(home)
    with database.session() as session:
        wanted = _wanted(session, account_of(session, by), unit, words, status, category, department, overdue, channel)
        try:
            with file.open("w", encoding="utf-8-sig", newline="") as target:
                written = case_table.write(session, wanted, target)
        except OSError as problem:
            raise UsageError(
                f"Không ghi được {file}: {problem.strerror}. / Cannot write {file}: {problem.strerror}."
            ) from problem
    print(f"{written} phản ánh / cases → {file}")


def _case(session: Session, number: str, email: str, action: Action) -> tuple[Account, Case]:
    account, case = account_of(session, email), find_case(session, number)
    require(session, account, action, case.unit_id)
    return account, case


def _step(home: Path | None, number: str, email: str, step: Callable[[Session, Case, str], None]) -> None:
    database, _ = open_station(home)
    with database.session() as session:
        account, case = _case(session, number, email, Action.WORK_ON_CASES)
        step(session, case, f"account:{account.email}")
        session.flush()
        print(f"{case.number}\t{case.status}\t{case.unit.name}\t{case.department.name if case.department else '–'}")


def _wanted(
    session: Session,
    account: Account,
    unit: str,
    words: str,
    statuses: list[CaseStatus] | None,
    category: str,
    department: str,
    overdue: bool,
    channel: Channel | None,
) -> Wanted:
    unit_id = unit_coded(session, unit).id if unit else account.unit_id
    require(session, account, Action.READ_CASES, unit_id)
    return Wanted(
        words,
        [unit_id],
        statuses or (),
        _category(session, category).id if category else None,
        _department(session, department).id if department else None,
        None,
        channel,
        now() if overdue else None,
    )


def _category(session: Session, code: str) -> Category:
    found = session.scalar(sa.select(Category).where(Category.code == code))
    if found is None:
        raise UsageError(f"Không có lĩnh vực {code}. / There is no category {code}.")
    return found


def _department(session: Session, code: str) -> Department:
    found = session.scalar(sa.select(Department).where(Department.code == code))
    if found is None:
        raise UsageError(f"Không có phòng ban {code}. / There is no department {code}.")
    return found


def _place(text: str) -> Place | None:
    if not text:
        return None
    moment, _, number = text.rpartition(",")
    try:
        opened_at = datetime.datetime.fromisoformat(moment)
        place = (opened_at.astimezone(datetime.UTC), int(number))
    except ValueError:
        raise UsageError("--after là dấu mà trang trước in ra. / --after is what the page before printed.") from None
    return place


def _book(home: Path | None) -> CitizenBook:
    return open_citizens(load_settings(home=home).home.absolute())


def _local(moment: datetime.datetime | None, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%d/%m/%Y %H:%M}" if moment else "–"


def _first_words(case: Case) -> str:
    for message in case.messages:
        text = message.text or (message.transcript.text if message.transcript else "")
        if text:
            return _printable(" ".join(text.split()))[:60]
    return ""


def _printable(text: str) -> str:
    """What a citizen wrote, without signs that a terminal would obey."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "", text)
