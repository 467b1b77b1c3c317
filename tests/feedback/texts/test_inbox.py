"""Inbound texts: new cases, more of the sender's own case, opting out and in."""

import datetime
import itertools
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback import job_kinds
from feedback.cases.case_lifecycle import happen
from feedback.cases.case_numbers import spoken_groups
from feedback.citizens.registry import open_citizens
from feedback.models import Case, Citizen, Message, Reply
from feedback.states import CaseEvent
from feedback.texts import text_inbox
from feedback.texts.conversations import LIMITS
from feedback.texts.text_inbox import InboundText, NotOurNumber, TextInbox
from haichieu import jobs
from haichieu.database import Database, now
from tests.builders.cases import office
from tests.builders.outgoing import RULE, none_is_ours

LAN, MINH = "+84912345678", "+84987654321"
MINUTES = itertools.count()
MOST_AN_HOUR = LIMITS[0][1]


@pytest.fixture
def station(database: Database, tmp_path: Path) -> TextInbox:
    with database.session() as session:
        unit = office(session).co_ba.id
    book = open_citizens(tmp_path)
    return TextInbox(database, book, lambda _, number: unit if number == "1022" else None, RULE, none_is_ours)


def send(station: TextInbox, body: str, sender: str = LAN, **more: object) -> text_inbox.Filed:
    """Send a text, a minute after the one before."""
    at = now() + datetime.timedelta(minutes=next(MINUTES))
    return station.take(InboundText(sender, "1022", body, at=at, **more))  # type: ignore[arg-type]


def messages(database: Database) -> list[tuple[str, str]]:
    """Each message with its direction, the oldest first."""
    with database.session() as session:
        return [(one.direction, one.text) for one in session.scalars(sa.select(Message).order_by(Message.id))]


def cases(session: Session) -> int:
    return session.scalars(sa.select(sa.func.count(Case.id))).one()


def test_a_text_opens_a_case_and_is_answered_with_its_number(database: Database, station: TextInbox) -> None:
    number = send(station, "Cầu treo Cô Ba hỏng").case_number
    assert number is not None
    with database.session() as session:
        case = session.scalars(sa.select(Case)).one()
        assert (case.number, case.channel, case.unit_by, case.unit.code) == (number, "text", "number", "BL-CB")
        asked, answered = case.messages
        assert (asked.text, asked.author) == ("Cầu treo Cô Ba hỏng", "citizen")
        assert spoken_groups(number) in answered.text
        assert jobs.find(session, job_kinds.FILE, asked.id) is not None
        assert jobs.find(session, job_kinds.SEND_TEXT, answered.replies[0].id) is not None


@pytest.mark.parametrize(
    "shape",
    [
        "{0} thêm: mất điện",
        "{1}: thêm",
        "#{0} thêm",
        "{0}",
        "{2}\u2013{3}",
        "{2}\u00a0{3} thêm",
        "\u200b{1} thêm",
        "({1}) thêm",
        "[{2}\u2011{3}]: thêm",
        "số {1} sao rồi",
        "Vụ cầu treo, mã {2} - {3}: vẫn hỏng",
        "Re: {2}.{3} thêm",
    ],
)
def test_a_text_that_starts_with_the_senders_case_continues_it(
    database: Database, station: TextInbox, shape: str
) -> None:
    number = send(station, "Cầu hỏng").case_number or ""
    assert send(station, shape.format(number, spoken_groups(number), number[:4], number[4:])).case_number == number
    with database.session() as session:
        assert cases(session) == 1


def test_a_case_that_was_answered_is_opened_again(database: Database, station: TextInbox) -> None:
    number = send(station, "Cầu hỏng").case_number
    with database.session() as session:
        happen(session, session.scalars(sa.select(Case)).one(), CaseEvent.ANSWER, "system", now())
    send(station, f"{number} vẫn hỏng")
    with database.session() as session:
        assert session.scalars(sa.select(Case.status)).one() == "reopened"


def test_text_with_another_citizens_number_opens_a_new_case(database: Database, station: TextInbox) -> None:
    theirs = send(station, "Cầu hỏng").case_number or ""
    ours = send(station, f"{theirs} tôi muốn biết", sender=MINH).case_number
    unknown = send(station, "12345670 tôi muốn biết", sender=MINH).case_number
    assert len({theirs, ours, unknown}) == 3
    answers = [text for direction, text in messages(database) if direction == "out"]
    for answer, number in zip(answers, (theirs, ours, unknown), strict=True):
        assert answer.replace(spoken_groups(str(number)), "N") == answers[0].replace(spoken_groups(theirs), "N")


def test_a_text_that_comes_twice_is_filed_once(database: Database, station: TextInbox) -> None:
    first, again = (send(station, "Cầu hỏng", external_id="SM1") for _ in range(2))
    assert (first.case_number, again.repeated) == (again.case_number, True)
    assert len(messages(database)) == 2


def test_unsubscribing_from_texts_is_confirmed_once_and_reversible(database: Database, station: TextInbox) -> None:
    assert "không nhắn tin nữa" in send(station, "HUY").say
    assert send(station, "Hủy").say == ""
    send(station, "Cầu hỏng")
    with database.session() as session:
        assert session.scalars(sa.select(Citizen.opted_out_at)).one() is not None
        assert (cases(session), session.scalars(sa.select(Reply)).all()) == (1, [])
    assert send(station, "DANG KY").say
    assert send(station, "Đăng ký").say == ""
    send(station, "Mất điện")
    with database.session() as session:
        assert len(session.scalars(sa.select(Reply)).all()) == 1


def test_unsubscribing_from_abroad_is_noted_and_confirmed_to_nobody(database: Database, station: TextInbox) -> None:
    assert send(station, "HUY", "+8613800138000").say == ""
    with database.session() as session:
        assert session.scalars(sa.select(Citizen.opted_out_at)).one() is not None


@pytest.mark.parametrize("sender", ["", "anonymous", "VIETTEL", "+84 91a"])
def test_a_sender_who_cannot_be_answered_is_stored_without_a_number(
    database: Database, station: TextInbox, sender: str
) -> None:
    send(station, "Cầu hỏng", sender=sender)
    with database.session() as session:
        assert (cases(session), session.scalars(sa.select(Citizen)).all()) == (1, [])
        assert session.scalars(sa.select(Reply)).all() == []


@pytest.mark.parametrize("body", ["x" * 2000, "😀" * 300, "'; DROP TABLE cases; --", "\u202eآ السلام", "<script>"])
def test_odd_texts_are_kept(database: Database, station: TextInbox, body: str) -> None:
    send(station, body)
    assert messages(database)[0] == ("in", body.replace("\u202e", ""))


@pytest.mark.parametrize("body", ["", " \n", "\x00\x01"])
def test_a_text_that_says_nothing_is_no_case(database: Database, station: TextInbox, body: str) -> None:
    assert send(station, body).case_number is None
    assert messages(database) == []


def test_what_was_attached_is_counted_and_not_fetched(database: Database, station: TextInbox) -> None:
    send(station, "", files=2)
    assert "2 tệp" in messages(database)[0][1]


def test_a_flood_is_kept_in_one_case_and_costs_no_more_answers(database: Database, station: TextInbox) -> None:
    for count in range(MOST_AN_HOUR + 15):
        send(station, f"tin {count}")
    kept = messages(database)
    assert sum(direction == "in" for direction, _ in kept) == MOST_AN_HOUR + 15
    assert sum(direction == "out" for direction, _ in kept) == MOST_AN_HOUR
    with database.session() as session:
        assert cases(session) == MOST_AN_HOUR
    send(station, "người khác", sender=MINH)
    with database.session() as session:
        assert cases(session) == MOST_AN_HOUR + 1
        for case in session.scalars(sa.select(Case)):
            case.opened_at -= datetime.timedelta(hours=2)
            for message in case.messages:
                message.at -= datetime.timedelta(hours=2)
    assert send(station, "tin sau").case_number
    assert messages(database)[-1][0] == "out"


def test_anonymous_texts_in_a_flood_stay_in_cases_of_their_own(database: Database, station: TextInbox) -> None:
    found = [send(station, f"tin {count}", sender="VIETTEL") for count in range(MOST_AN_HOUR + 3)]
    assert len({filed.case_number for filed in found}) == len(found)


def test_a_number_that_is_not_ours_is_refused(station: TextInbox) -> None:
    with pytest.raises(NotOurNumber):
        station.take(InboundText(LAN, "4711", "Cầu hỏng"))


def test_no_row_contains_a_number_in_clear(database: Database, station: TextInbox) -> None:
    send(station, "Cầu hỏng")
    send(station, "HUY")
    with database.session() as session:
        for table in sa.inspect(database.engine).get_table_names():
            rows = session.execute(sa.text(f"SELECT * FROM {table}")).all()
            assert not any("912345678" in str(row) for row in rows), table
