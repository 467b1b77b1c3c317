"""A province that is away for a week: what queued up arrives once and in order, and what it issued is still right."""

import datetime
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
import time_machine

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.source_system import offered
from broadcast_bridge.source_system.exchange import Withdrawn
from broadcast_bridge.source_system.models import Bulletin, Source, SourceReport
from broadcast_bridge.source_system.province import Fault
from haichieu.database import now
from tests.broadcast_bridge.source_system.link import DAY, DEVICE, HOUR, Link, audio
from tests.builders.sounds import tone

BEGIN = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
CHAIR = "account:chutich@x.example"
DAYS = 7
AWAY = [("", Fault.ERROR)] * 100_000


def sound(link: Link) -> str:
    return f"{link.look(lambda session: session.get_one(Source, link.source_id)).address}/sounds/tin.wav"


def decide(link: Link) -> None:
    """The commune accepts one bulletin and declines another."""

    def work(session: sa.orm.Session) -> None:
        found = {one.title: one for one in session.scalars(sa.select(Bulletin))}
        offered.accept(session, found["Bản tin chosen"], CHAIR, now())
        offered.decline(session, found["Bản tin declined"], offered.reason_in_words("Không phù hợp"), CHAIR, now())

    link.look(work)


def end_what_is_due(link: Link) -> None:
    for one in link.broadcasts():
        if one.ended_at is None and one.due_at <= now():
            link.end_broadcast(one.id)


async def live_through(link: Link, dialect: str) -> None:
    """Before, during and after the week; afterwards the clock is at its end."""
    wav, later = sound(link), BEGIN + 20 * DAY
    first = audio("daily", wav, Priority.PRIORITY, starts=[BEGIN + HOUR + day * DAY for day in range(DAYS + 2)],
                  valid_until=BEGIN + (DAYS + 2) * DAY)  # fmt: skip
    without_end = {"valid_until": later} if dialect == "portal" else {}
    offers = [audio(name, wav, **without_end) for name in ("silent", "chosen", "declined")]
    link.province.issue(first, *offers, audio("short", wav, valid_until=BEGIN + 3 * DAY))
    assert (await link.exchange()).last_problem is None
    link.province.faults += AWAY
    for external_id in link.states():
        if external_id.startswith(("daily", "chosen")):
            link.give_sound(external_id)
    issued_meanwhile = {
        1: [audio("flood", wav, Priority.EMERGENCY, valid_until=BEGIN + 2 * DAY)],
        3: [audio("passed", wav, Priority.PRIORITY, starts=[BEGIN + 4 * DAY])],
        5: [audio("mistaken", wav, **without_end), Withdrawn("mistaken")],
        6: [*[audio("new", wav, **without_end)] * 2, audio("storm", wav, Priority.EMERGENCY, valid_until=later)],
    }
    for day in range(DAYS):
        with time_machine.travel(BEGIN + day * DAY + HOUR / 2, tick=False):
            await link.work()
            link.province.issue(*issued_meanwhile.get(day, []))
        with time_machine.travel(BEGIN + day * DAY + 2 * HOUR, tick=False):
            assert (await link.exchange()).failures == day + 1
            end_what_is_due(link)
            if day == 2:
                decide(link)
    assert "source_silent" in link.alarms()
    assert link.province.book.logs == {}
    link.province.faults.clear()
    link.province.revoke_tokens()
    for minutes in (0, 10, 20):  # a sound that could not be fetched is tried again within five minutes
        with time_machine.travel(BEGIN + DAYS * DAY + datetime.timedelta(minutes=minutes), tick=False):
            assert (await link.exchange()).last_problem is None
            await link.work()
            end_what_is_due(link)


@pytest.mark.parametrize(
    "dialect", ["neutral", *(pytest.param(one, marks=pytest.mark.proof) for one in ("device", "portal"))]
)
async def test_week_of_silence_loses_nothing_and_doubles_nothing(link: Link, dialect: str) -> None:
    link.province.sounds["tin.wav"] = tone(1.5)
    with time_machine.travel(BEGIN, tick=False):
        await live_through(link, dialect)
    states = {one.partition("/")[0]: state for one, state in link.states().items() if one != "mistaken/mistaken"}
    assert states == {
        "daily": "aired", "silent": "offered", "chosen": "accepted", "declined": "declined", "short": "refused",
        "flood": "refused", "passed": "refused", "mistaken": "withdrawn", "new": "offered", "storm": "aired",
    }  # fmt: skip
    with link.database.session() as session:
        heard = session.scalars(sa.select(Bulletin.external_id).where(Bulletin.sound_id.is_not(None))).all()
        reports = session.scalars(sa.select(SourceReport).order_by(SourceReport.id)).all()
    assert {one.partition("/")[0] for one in heard} == {"silent", "new"}
    aired = [one.title.removeprefix("Bản tin ") for one in link.broadcasts() if one.ended_at is not None]
    assert aired == [*["daily"] * DAYS, "storm"]
    assert [one.key for one in reports if one.sent_at is None or one.refusals] == []
    logs = [one for one in reports if one.kind == "log"]
    assert [one.body["device"] for one in logs] == [DEVICE, "s11-1"] * (DAYS + 1)
    _require_in_order(link, dialect, logs)
    assert (link.province.book.repeated, link.province.book.wrong) == (0, [])
    assert "source_silent" not in link.alarms()


def _require_in_order(link: Link, dialect: str, logs: list[SourceReport]) -> None:
    """Raise AssertionError unless the province has every log and receipt once, in the order of the events."""
    book = link.province.book
    match dialect:
        case "neutral":
            assert list(book.logs) == [one.key for one in logs]
            begun = [str(one["started_at"]) for one in book.logs.values()]
            assert book.states("daily") == ["accepted", "scheduled", "aired"]
            assert book.states("chosen") == ["offered", "accepted"]
            assert book.states("declined") == ["offered", "declined"]
            assert (book.states("flood"), book.states("short")) == (["refused"], ["offered", "refused"])
            assert book.states("storm") == ["accepted", "scheduled", "aired"]
            assert len(book.counts) == DAYS
        case "device":
            begun = [str(one["ThoiDiemBatDau"]) for one in book.logs.values()]
            assert [one["TieuDe"] for one in book.logs.values()] == [*["Bản tin daily"] * DAYS, "Bản tin storm"]
        case "portal":
            begun = [str(one["ThoiDiemGui"]) for one in book.logs.values()]
            assert [one["BanTinId"] for one in book.logs.values()] == [*["daily"] * 2 * DAYS, *["storm"] * 2]
    assert begun == sorted(begun)
