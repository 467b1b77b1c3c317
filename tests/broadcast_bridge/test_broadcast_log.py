"""The log of broadcasts: found by day, place, state and words, and page by page."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.broadcast_lifecycle import advance
from broadcast_bridge.broadcasts.log import Wanted, find
from broadcast_bridge.broadcasts.starting import Request, ask
from broadcast_bridge.broadcasts.states import BroadcastEvent, BroadcastState, Kind, Priority
from broadcast_bridge.models import Broadcast, Delivery
from haichieu.database import Database
from tests.builders.places import commune

pytestmark = pytest.mark.both_databases

MORNING = datetime.datetime(2026, 11, 5, 0, 0, tzinfo=datetime.UTC)


def broadcast(session: Session, title: str, days: int = 0, **more: object) -> Broadcast:
    at = MORNING + datetime.timedelta(days=days)
    made = ask(session, Request("test", title, [], zone_codes=["11"], due_at=at, **more), MORNING)  # type: ignore[arg-type]
    session.flush()
    return made


def titles(session: Session, **wanted: object) -> list[str]:
    found = find(session, Wanted(**wanted), sa.true())  # type: ignore[arg-type]
    return [one.broadcast.title for one in found.items]


def test_the_newest_come_first_page_by_page(database: Database) -> None:
    with database.session() as session:
        commune(session)
        for number in range(5):
            broadcast(session, f"Bản tin {number}")
        seen: list[str] = []
        before: int | None = None
        for most in (2, 2, 2):
            found = find(session, Wanted(), sa.true(), before, most)
            seen += [one.broadcast.title for one in found.items]
            before = found.before
    assert seen == [f"Bản tin {number}" for number in (4, 3, 2, 1, 0)]
    assert before is None


@pytest.mark.parametrize("words", ["nông nghiệp", "NONG NGHIEP", "nghiep khu", "Khu 11 nông"])
def test_words_are_found_with_and_without_their_marks(database: Database, words: str) -> None:
    with database.session() as session:
        commune(session)
        broadcast(session, "Bản tin Nông nghiệp")
        broadcast(session, "Thời tiết 100%")
        assert titles(session, words=words) == ["Bản tin Nông nghiệp"]
        assert titles(session, words="%") == ["Thời tiết 100%"]
        assert titles(session, words="không có") == []


def test_a_broadcast_is_found_by_the_name_of_its_speaker(database: Database) -> None:
    with database.session() as session:
        there = commune(session)
        broadcast(session, "Bản tin").official = there.official
        broadcast(session, "Khác")
        assert titles(session, words="can bo 1011") == ["Bản tin"]


def test_filters_are_all_kept(database: Database) -> None:
    with database.session() as session:
        there, other = commune(session), commune(session, code="12")
        urgent = broadcast(session, "Khẩn", priority=Priority.EMERGENCY)
        stopped = broadcast(session, "Dừng", days=2)
        advance(session, stopped.id, BroadcastEvent.CANCEL, MORNING)
        urgent.deliveries = [Delivery(speaker=there.speakers[0], state="played", active=False)]
        session.flush()
        day = datetime.timedelta(days=1)
        assert titles(session, priority=Priority.EMERGENCY) == ["Khẩn"]
        assert titles(session, state=BroadcastState.CANCELLED) == ["Dừng"]
        assert titles(session, kind=Kind.LIVE) == []
        assert titles(session, zone="11") == ["Dừng", "Khẩn"]
        assert titles(session, zone="1") == []
        assert titles(session, since=MORNING, until=MORNING + day) == ["Khẩn"]
        assert titles(session, since=MORNING + day) == ["Dừng"]
        assert titles(session, unit_ids=[there.commune.id]) == ["Khẩn"]
        assert titles(session, unit_ids=[other.commune.id]) == []
        (found,) = find(session, Wanted(priority=Priority.EMERGENCY), sa.true()).items
        assert (found.speakers, found.heard) == (1, 1)
