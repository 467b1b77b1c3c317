"""Texts of one sender in their order: repeated, in parts, polite, or from a machine."""

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.cases.case_lifecycle import happen
from feedback.cases.case_numbers import spoken_groups
from feedback.citizens.registry import open_citizens
from feedback.models import Case, Message
from feedback.states import CaseEvent
from feedback.texts.conversations import LIMITS, PARTS_WITHIN
from feedback.texts.text_inbox import REPEATED_WITHIN, Filed, InboundText, TextInbox
from haichieu.alarms import open_alarms
from haichieu.database import Database
from haichieu.sip.models import Phone
from tests.builders.cases import office
from tests.builders.outgoing import RULE

LAN, MINH, OURS = "+84912345678", "+84987654321", "+842063870123"
START = datetime.datetime(2026, 11, 24, 2, 0, tzinfo=datetime.UTC)
HOUR = 3600.0


class Station:
    """An inbox, and the result of the texts in it."""

    def __init__(self, database: Database, home: Path) -> None:
        self.database = database
        with database.session() as session:
            unit = office(session).co_ba.id
        self.inbox = TextInbox(
            database, open_citizens(home), lambda _, __: unit, RULE, lambda _, number: number in ("1022", OURS)
        )  # fmt: skip

    def comes(self, body: str, seconds: float, sender: str = LAN, to: str = "1022") -> Filed:
        """A text arrives so many seconds after the start."""
        return self.inbox.take(InboundText(sender, to, body, at=START + datetime.timedelta(seconds=seconds)))

    def counts(self) -> tuple[int, int, int]:
        """Cases, texts of citizens, and texts of the station."""
        with self.database.session() as session:
            directions = list(session.scalars(sa.select(Message.direction)))
            cases = session.scalars(sa.select(sa.func.count(Case.id))).one()
        return cases, directions.count("in"), directions.count("out")

    def change(self, work: Callable[[Session, Case], None]) -> None:
        """Do something with the first case."""
        with self.database.session() as session:
            work(session, session.scalars(sa.select(Case).order_by(Case.id)).first())  # type: ignore[arg-type]


@pytest.fixture
def station(database: Database, tmp_path: Path) -> Station:
    return Station(database, tmp_path)


def test_text_that_comes_again_without_an_id_counts_once(station: Station) -> None:
    first = station.comes("Cầu hỏng", 0)
    again = station.comes("Cầu hỏng", 40)
    assert (again.repeated, again.case_number) == (True, first.case_number)
    station.comes("Cầu  hỏng ", 90)  # other spaces: other words
    assert station.counts() == (2, 2, 2)


def test_same_words_count_again_later_or_from_others_or_to_another_number(station: Station) -> None:
    station.comes("Mất điện", 0)
    station.comes("Mất điện", 60, sender=MINH)
    station.comes("Mất điện", 120, to="1023")
    station.comes("Mất điện", REPEATED_WITHIN.total_seconds() + 1)
    assert station.counts() == (4, 4, 4)


def test_texts_of_hidden_senders_are_never_taken_for_repetitions(station: Station) -> None:
    for seconds in (0, 1):
        station.comes("Mất điện", seconds, sender="anonymous")
    assert station.counts() == (2, 2, 0)


def test_parts_of_a_long_text_are_one_case_with_one_reply(station: Station) -> None:
    found = [station.comes(f"phần {part} " + "x" * 60, part * 5.0) for part in range(6)]
    assert len({filed.case_number for filed in found}) == 1
    assert station.counts() == (1, 6, 1)
    station.comes("Chuyện khác", 25 + PARTS_WITHIN.total_seconds() + 1)
    assert station.counts() == (2, 7, 2)


def test_parts_that_arrive_in_the_wrong_order_are_one_case(station: Station) -> None:
    station.comes("phần hai", 3)
    station.comes("phần một", 0)
    assert station.counts() == (1, 2, 1)


def test_two_senders_at_once_have_a_case_each(station: Station) -> None:
    station.comes("Cầu hỏng", 0)
    station.comes("Cầu hỏng rồi", 1, sender=MINH)
    assert station.counts() == (2, 2, 2)


@pytest.mark.parametrize(
    "body",
    ["Liked “{0}”", "Đã thích “{1}…”", "\u200b👍\u200b to “\u200a{0}\u200a”", "👍", "❤️", "Cảm ơn", "ok", "Vâng ạ"],
)
def test_courtesy_after_a_reply_is_stored_without_case_reply_or_reopening(station: Station, body: str) -> None:
    number = station.comes("Cầu hỏng", 0).case_number or ""
    station.change(lambda session, case: happen(session, case, CaseEvent.ANSWER, "system", START))
    with station.database.session() as session:
        ours = session.scalars(sa.select(Message.text).where(Message.direction == "out")).one()
    polite = station.comes(body.format(ours, ours[:30]), HOUR)
    assert (polite.case_number, station.counts()) == (number, (1, 2, 1))
    station.change(lambda _, case: setattr(case, "search_text", case.status))
    with station.database.session() as session:
        assert session.scalars(sa.select(Case.status)).one() == "answered"


def test_late_thanks_with_the_case_number_do_not_reopen_the_case(station: Station) -> None:
    first = station.comes("Cầu hỏng", 0).case_number or ""
    station.comes("Mất điện", HOUR)
    station.change(lambda session, case: happen(session, case, CaseEvent.CLOSE, "system", START))
    polite = station.comes(f"{spoken_groups(first)} cảm ơn", 2 * HOUR)
    assert (polite.case_number, station.counts()) == (first, (2, 3, 2))
    with station.database.session() as session:
        assert session.scalars(sa.select(Case.status).where(Case.number == first)).one() == "closed"
    station.comes(f"{spoken_groups(first)} vẫn hỏng", 3 * HOUR)
    with station.database.session() as session:
        assert session.scalars(sa.select(Case.status).where(Case.number == first)).one() == "reopened"


def test_thanks_before_the_station_said_anything_open_a_case(station: Station) -> None:
    station.comes("ok", 0)
    assert station.counts() == (1, 1, 1)


def test_news_seconds_after_thanks_opens_a_case_with_a_reply(station: Station) -> None:
    station.comes("Cầu hỏng", 0)
    station.comes("Cảm ơn", HOUR)
    station.comes("Nhà tôi bị ngập", HOUR + 5)
    assert station.counts() == (2, 3, 2)


@pytest.mark.parametrize("sender", ["9029", "19001234", "1900123456", "18001234", "113", "1022", OURS, "02063870123"])
def test_machine_is_never_answered_and_fills_one_case_per_day(station: Station, sender: str) -> None:
    for count in range(25):
        station.comes(f"Yeu cau khong hop le {count}", count * 60.0, sender=sender)
    assert station.counts() == (1, 25, 0)
    station.comes("Yeu cau khong hop le", 26 * HOUR, sender=sender)
    assert station.counts() == (2, 26, 0)
    with station.database.session() as session:
        assert open_alarms(session) == []


def test_sender_with_the_number_that_was_texted_is_never_answered(station: Station) -> None:
    station.comes("Vọng lại", 0, sender="+84281234567", to="02813334444")
    station.comes("Vọng lại", 0, sender="02836222333", to="+842836222333")
    assert station.counts()[2] == 1


def test_own_telephone_is_answered_even_with_a_short_number(station: Station) -> None:
    with station.database.session() as session:
        session.add(Phone(code="desk", name="Bàn trực", password_locked="", caller_number="201"))
    station.comes("Mất nước", 0, sender="201")
    assert station.counts() == (1, 1, 1)


@pytest.mark.parametrize(
    "sender", ["P", "O", "asterisk", "unassigned", "anonymous.invalid", "Unknown Number", "VIETTEL"]
)
def test_withheld_senders_share_no_citizen(station: Station, sender: str) -> None:
    station.comes("Cầu hỏng", 0, sender=sender)
    station.comes("Mất điện", 1, sender=sender)
    assert station.counts() == (2, 2, 0)
    with station.database.session() as session:
        assert list(session.scalars(sa.select(Case.citizen_id))) == [None, None]


def test_machine_that_answers_each_reply_stops_at_the_limits(station: Station) -> None:
    seconds = 0.0
    for count in range(150):
        before = station.counts()[2]
        station.comes(f"Tôi đang bận, {count}", seconds)
        seconds += 30.0 if station.counts()[2] > before else 600.0
    days = seconds / (24 * HOUR)
    (_, an_hour), (_, a_day) = LIMITS
    assert an_hour <= station.counts()[2] <= a_day * (int(days) + 1)


def test_automatic_reply_with_the_same_words_ends_the_loop_at_once(station: Station) -> None:
    for count in range(20):
        station.comes("Tôi đang lái xe, sẽ gọi lại sau.", count * 25.0)
    assert station.counts() == (1, 1, 1)
