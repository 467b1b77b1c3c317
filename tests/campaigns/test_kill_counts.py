"""The counts of a kill campaign find what was lost or doubled."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from feedback.answers import replies
from feedback.answers.replies import Answer
from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.citizens.registry import CitizenBook, open_citizens
from feedback.models import Case
from feedback.states import Channel, Direction, ReplyState, Way
from haichieu.database import Database, now
from tests.builders.cases import NUMBER, office
from tests.builders.sounds import sound_row
from tests.campaigns.callers import Call
from tests.campaigns.kill_counts import Accepted, Counts, compare


@pytest.fixture
def counts() -> Counts:
    return Counts(1, "sqlite", finished=True, answered_after=1.0, answered_in_peace=1.0)


@pytest.fixture
def book(tmp_path: Path) -> CitizenBook:
    return open_citizens(tmp_path)


def texted(session: Session, book: CitizenBook, unit: int, text: str, *, known: bool = True) -> Case:
    """A case that a text opened."""
    citizen = book.meet(session, NUMBER, now()) if known else None
    said = Said(Direction.IN, Channel.TEXT, "citizen", text)
    return open_case(session, Opening(Channel.TEXT, unit, "number", citizen), said, now())


def test_lost_and_doubled_texts_are_found(database: Database, book: CitizenBook, counts: Counts) -> None:
    with database.session() as session:
        unit = office(session).co_ba.id
        for text in ("stored", "twice", "twice"):
            texted(session, book, unit, text)
        texts = {"stored": 202, "twice": 202, "lost": 202, "refused": 503}
        compare(counts, session, book, Accepted(texts=texts))
    assert (counts.lost, counts.doubled) == (["text lost"], ["text twice: 2"])


def test_thanked_caller_without_a_message_is_found(database: Database, book: CitizenBook, counts: Counts) -> None:
    begins = now().timestamp()
    with database.session() as session:
        unit = office(session).co_ba.id
        sound = sound_row(session)
        said = Said(Direction.IN, Channel.CALL, "citizen", sound=sound)
        for _ in range(2):
            opening = Opening(Channel.CALL, unit, "number", book.meet(session, NUMBER, now()))
            open_case(session, opening, said, now())
        calls = [
            Call(NUMBER, begins, begins + 9, thanked=True),
            Call(NUMBER, begins + 60, begins + 69, thanked=True),
            Call(NUMBER, begins + 90, begins + 99),
        ]
        compare(counts, session, book, Accepted(calls=calls))
    assert [len(found) for found in (counts.lost, counts.doubled)] == [1, 1]
    assert counts.calls["messages"] == 2


def test_answers_that_did_not_arrive_once_are_found(database: Database, book: CitizenBook, counts: Counts) -> None:
    with database.session() as session:
        case = texted(session, book, office(session).co_ba.id, "hello")
        for text, state in (
            ("arrived", ReplyState.SENT), ("lost", ReplyState.SENT), ("twice", ReplyState.FAILED),
            ("failed", ReplyState.FAILED),
        ):  # fmt: skip
            reply = replies.answer(session, case, Answer("account:a", [Way.TEXT], text), now()).replies[0]
            reply.state, reply.reason = state, replies.AnswerRefused("answer.nothing_to_retry").message
        accepted = Accepted(answers=["arrived", "rolled back"])
        accepted.received.update(["arrived", "twice", "twice"])
        compare(counts, session, book, accepted)
    assert len(counts.lost) == 2
    assert len(counts.doubled) == 1


def test_case_without_its_citizen_is_anonymous(database: Database, book: CitizenBook, counts: Counts) -> None:
    assert counts.bad == []
    with database.session() as session:
        number = texted(session, book, office(session).co_ba.id, "hello", known=False).number
        compare(counts, session, book, Accepted())
    assert counts.bad == [f"anonymous: case {number} (text)"]
