"""`haichieu schedule`: the station's hours from the command line, with an account's rights."""

import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from broadcast_bridge.schedule import quiet
from broadcast_bridge.schedule.calendar_export import export_calendar
from broadcast_bridge.schedule.calendar_files import Defaults, import_calendar
from broadcast_bridge.schedule.conflicts import HORIZON, Conflict, all_conflicts, conflicts_of
from broadcast_bridge.schedule.in_words import in_words
from broadcast_bridge.schedule.materialise import recurrence_of
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.schedule.planning import (
    Draft,
    Planner,
    account_as_planner,
    cancel_occurrence,
    make_playlist,
    plan,
    remove,
)
from broadcast_bridge.schedule.states import Days, What
from broadcast_bridge.states import AfterCut, Priority
from broadcast_bridge.zones import speakers_in, zones_coded
from haichieu.account_rights import Action, account_of, require
from haichieu.cli.in_home import By, Home, open_station, unit_coded
from haichieu.database import now
from haichieu.errors import UsageError
from haichieu.people import Official
from haichieu.station import the_station

app = typer.Typer(name="schedule", help="Lịch phát: đặt, xem, tắt tiếng / the schedule.", no_args_is_help=True)

SHOWN = 5
DAY_AND_MINUTE = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]

Number = Annotated[int, typer.Argument(help="Số của lịch phát / the schedule's number.")]
Moment = Annotated[datetime.datetime, typer.Option(formats=DAY_AND_MINUTE, help="Giờ địa phương / local time.")]


@app.command()
def add(
    title: Annotated[str, typer.Option(help="Tên lịch phát / title.")],
    unit: Annotated[str, typer.Option(help="Mã đơn vị / code of the unit.")],
    zone: Annotated[list[str], typer.Option(help="Mã khu vực, có thể lặp lại / zone code, may be repeated.")],
    starts: Moment,
    by: By,
    home: Home = None,
    programme: Annotated[int | None, typer.Option(help="Số chương trình / number of a programme.")] = None,
    playlist: Annotated[int | None, typer.Option(help="Số danh sách phát / number of a playlist.")] = None,
    official: Annotated[str | None, typer.Option(help="Mã cán bộ được gọi / staff code to be called.")] = None,
    second_official: Annotated[str | None, typer.Option(help="Người thứ hai / who is called next.")] = None,
    fallback: Annotated[int | None, typer.Option(help="Chương trình dự phòng / fallback programme.")] = None,
    rrule: Annotated[str, typer.Option(help="Lặp lại theo RFC 5545 / recurrence, FREQ=DAILY.")] = "",
    lunar: Annotated[str, typer.Option(help="Lặp lại theo âm lịch / lunar recurrence, DAY=1,15.")] = "",
    days: Annotated[Days, typer.Option(help="Ngày thường, ngày lễ / which days.")] = Days.ANY,
    until: Annotated[datetime.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Ngày cuối / last day.")] = None,
    priority: Annotated[Priority, typer.Option(help="Mức ưu tiên / priority.")] = Priority.NORMAL,
    after_cut: Annotated[AfterCut, typer.Option(help="Khi bị cắt / when it is cut off.")] = AfterCut.RESUME,
    catch_up_minutes: Annotated[int, typer.Option(help="Phát bù trong / caught up within, minutes.")] = 60,
) -> None:
    """Đặt lịch phát / plan a programme, a playlist or a live call; says its next hours and what it collides with."""
    chosen = [what for what in (programme, playlist, official) if what is not None]
    if len(chosen) != 1:
        raise UsageError(
            "Cần đúng một trong --programme, --playlist, --official. / "
            "Give exactly one of --programme, --playlist, --official."
        )
    what = What.LIVE if official else What.PLAYLIST if playlist else What.PROGRAMME
    database, _ = open_station(home)
    with database.session() as session:
        draft = Draft(
            title=title,
            unit_id=unit_coded(session, unit).id,
            zone_ids=tuple(found.id for found in zones_coded(session, zone)),
            what=what,
            starts=starts,
            programme_id=programme,
            playlist_id=playlist,
            official_id=_official(session, official),
            second_official_id=_official(session, second_official),
            fallback_programme_id=fallback,
            rrule=rrule,
            lunar=lunar,
            days=days,
            valid_until=until.date() if until else None,
            priority=priority,
            after_cut=after_cut,
            catch_up_minutes=catch_up_minutes,
        )
        planned = plan(session, draft, _planner(session, by), now())
        print(f"{planned.id}\t{in_words(recurrence_of(planned))}")
        for moment in _next_hours(planned):
            print(f"\t{moment:%Y-%m-%d %H:%M}")
        _warn(conflicts_of(session, planned, now(), now() + HORIZON), planned.timezone)


@app.command("list")
def list_schedules(home: Home = None) -> None:
    """Danh sách lịch phát / list the schedules."""
    database, _ = open_station(home)
    with database.session() as session:
        found = session.scalars(sa.select(Schedule).where(Schedule.removed_at.is_(None)).order_by(Schedule.id)).all()
        if not found:
            print("Chưa có lịch phát nào; đặt bằng `haichieu schedule add`. / Nothing is scheduled yet.")
            return
        table = Table()
        for column in ("số / no.", "tên / title", "khi nào / when", "khu vực / zones", "tới đây / next"):
            table.add_column(column)
        for one in found:
            coming = _next_hours(one)
            zones = ", ".join(zone.name for zone in one.zones)
            soon = f"{coming[0]:%Y-%m-%d %H:%M}" if coming else "-"
            table.add_row(str(one.id), one.title, in_words(recurrence_of(one)), zones, soon)
        Console().print(table)


@app.command("remove")
def remove_schedule(
    number: Number, by: By, home: Home = None, yes: Annotated[bool, typer.Option("--yes")] = False
) -> None:
    """Bỏ một lịch phát / take a schedule out, with all that is still to come of it."""
    database, _ = open_station(home)
    with database.session() as session:
        schedule = session.get(Schedule, number)
        title = schedule.title if schedule else str(number)
    if not yes:
        typer.confirm(f"Bỏ lịch phát “{title}”? / Remove the schedule “{title}”?", abort=True)
    with database.session() as session:
        remove(session, number, _planner(session, by), now())


@app.command()
def upcoming(
    home: Home = None, hours: Annotated[int, typer.Option(min=1, max=48, help="Giờ tới / hours.")] = 24
) -> None:
    """Các lượt sắp phát và lý do không phát / what is due, and why something did not play."""
    database, _ = open_station(home)
    with database.session() as session:
        spans = Occurrence.due_at.between(
            now() - datetime.timedelta(hours=hours), now() + datetime.timedelta(hours=hours)
        )
        found = session.scalars(sa.select(Occurrence).where(spans).order_by(Occurrence.due_at)).all()
        if not found:
            print("Không có lượt phát nào trong khoảng này. / Nothing is due in these hours.")
            return
        table = Table()
        for column in (
            "lượt / no.",
            "giờ / hour",
            "tên / title",
            "trạng thái / state",
            "lý do / reason",
            "buổi / broadcast",
        ):
            table.add_column(column)
        for one in found:
            hour = one.due_at.astimezone(ZoneInfo(one.schedule.timezone))
            broadcast = str(one.broadcast_id or "")
            table.add_row(
                str(one.id), f"{hour:%Y-%m-%d %H:%M}", one.schedule.title, one.state, one.reason or "", broadcast
            )
        Console().print(table)


@app.command()
def cancel(
    number: Annotated[int, typer.Argument(help="Số của lượt phát / the occurrence.")], by: By, home: Home = None
) -> None:
    """Bỏ một lượt phát / leave one occurrence out, as `upcoming` numbers them."""
    database, _ = open_station(home)
    with database.session() as session:
        cancel_occurrence(session, number, _planner(session, by), now())


@app.command()
def conflicts(home: Home = None) -> None:
    """Các lịch trùng giờ, trùng loa trong 30 ngày / schedules that want one speaker at one moment."""
    database, _ = open_station(home)
    with database.session() as session:
        found = all_conflicts(session, now(), now() + HORIZON)
        if not found:
            print("Không có lịch nào trùng nhau. / No two schedules collide.")
        _warn(found, the_station(session).timezone)


@app.command()
def playlist(
    title: Annotated[str, typer.Option(help="Tên / title.")],
    unit: Annotated[str, typer.Option(help="Mã đơn vị / code of the unit.")],
    programme: Annotated[list[int], typer.Option(help="Số chương trình, theo thứ tự / programmes, in order.")],
    by: By,
    home: Home = None,
) -> None:
    """Lập danh sách phát / make a playlist."""
    database, _ = open_station(home)
    with database.session() as session:
        made = make_playlist(session, title, programme, unit_coded(session, unit).id, _planner(session, by))
        print(f"{made.id}\t{made.title}")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="Tệp .ics.", exists=True, dir_okay=False)],
    unit: Annotated[str, typer.Option(help="Mã đơn vị / code of the unit.")],
    by: By,
    home: Home = None,
    zone: Annotated[list[str] | None, typer.Option(help="Khu vực mặc định / zones for events that name none.")] = None,
    programme: Annotated[int | None, typer.Option(help="Chương trình mặc định / programme for such events.")] = None,
) -> None:
    """Nhập lịch từ tệp .ics / take over the events of an iCalendar file; all or nothing."""
    database, _ = open_station(home)
    with database.session() as session:
        zones = tuple(found.id for found in zones_coded(session, zone or []))
        defaults = Defaults(unit_coded(session, unit).id, zones, programme)
        report = import_calendar(session, file.read_bytes(), _planner(session, by), defaults, now())
    counts = {"mới / new": report.planned, "sửa / changed": report.changed, "như cũ / same": report.unchanged}
    print(", ".join(f"{name}: {len(uids)}" for name, uids in counts.items()))
    for name, times in sorted(report.ignored.items()):
        print(f"bỏ qua / left out: {name} × {times}")


@app.command()
def export(file: Annotated[Path, typer.Argument(help="Tệp .ics.")], home: Home = None) -> None:
    """Xuất lịch ra tệp .ics / write all schedules as an iCalendar file."""
    database, _ = open_station(home)
    with database.session() as session:
        found = session.scalars(sa.select(Schedule).where(Schedule.removed_at.is_(None)).order_by(Schedule.id)).all()
        file.write_bytes(export_calendar(session, found, now()))
    print(f"{len(found)} lịch phát / schedules → {file}")


@app.command()
def silence(
    zone: Annotated[str, typer.Argument(help="Mã khu vực / zone code.")],
    by: By,
    until: Annotated[
        datetime.datetime | None,
        typer.Option(formats=DAY_AND_MINUTE, help="Đến giờ; bỏ trống là bật lại / until; none ends it."),
    ] = None,
    home: Home = None,
) -> None:
    """Tắt tiếng một khu vực, trừ tin khẩn cấp / let a zone play nothing but emergencies until a moment."""
    database, _ = open_station(home)
    with database.session() as session:
        account, (found,) = account_of(session, by), zones_coded(session, [zone])
        for unit_id in {speaker.unit_id for speaker in speakers_in(session, [found.id])}:
            require(session, account, Action.AIR, unit_id)
        if until is None:
            quiet.unsilence(session, found.id, f"account:{account.email}")
        else:
            moment = until.replace(tzinfo=ZoneInfo(the_station(session).timezone))
            quiet.silence(session, found.id, moment.astimezone(datetime.UTC), f"account:{account.email}", now())


def _planner(session: Session, email: str) -> Planner:
    return account_as_planner(session, account_of(session, email))


def _official(session: Session, code: str | None) -> int | None:
    if code is None:
        return None
    found = session.scalar(sa.select(Official.id).where(Official.code == code))
    if found is None:
        raise UsageError(f"Không có cán bộ mã {code}. / There is no official {code}.")
    return found


def _next_hours(schedule: Schedule) -> list[datetime.datetime]:
    """The next few hours, in the schedule's time zone."""
    rule, begin = recurrence_of(schedule), now()
    found = []
    for days in (8, 62, 400):
        found = rule.between(begin, begin + datetime.timedelta(days=days))[:SHOWN]
        if len(found) == SHOWN:
            break
    return [moment.at.astimezone(ZoneInfo(schedule.timezone)) for moment in found]


def _warn(found: list[Conflict], timezone: str) -> None:
    for one in found:
        at = one.at.astimezone(ZoneInfo(timezone))
        print(
            f"! {at:%Y-%m-%d %H:%M}: “{one.winner.title}” phát trước, “{one.loser.title}” đợi "
            f"({', '.join(one.speakers[:3])}; {one.times} lần) / the first is played, the second waits"
        )
