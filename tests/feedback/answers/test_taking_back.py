"""An answer is taken back until it leaves: it is sent once or never, and what was typed is not lost."""

import contextlib
import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedback.answers import answer_calls, replies
from feedback.answers.replies import TO_TAKE_BACK, Answer
from feedback.answers.taking_back import TooLateToTakeBack, given_lately, is_still_here, take_back
from feedback.cases import assignment, merging, notes
from feedback.cases.case_lifecycle import Opening, Said, happen, open_case, say
from feedback.cases.reminders import remind
from feedback.citizens.registry import CitizenBook, open_citizens
from feedback.models import Case, Message, Reply
from feedback.states import CaseEvent, Channel, Direction, Way
from feedback.texts import outbox
from feedback.texts.dispatcher import TextDispatcher
from feedback.texts.outbox import HandedOver
from haichieu import jobs
from haichieu.alarms import Alarm
from haichieu.database import Database, now
from haichieu.jobs import Claim, Job
from tests.builders.cases import Office, agreed, case, office
from tests.builders.outgoing import RULE

BY = "account:truc@example.vn"
LAN = "+84912345678"
NOON = datetime.datetime(2026, 11, 24, 5, 0, tzinfo=datetime.UTC)  # 12:00 in Vietnam
WAYS = [Way.TEXT, Way.CALL, Way.AIR]


def given_answer(ways: list[Way] | None = None, text: str = "Đã sửa xong") -> Answer:
    return Answer(BY, ways or WAYS, text, waits=TO_TAKE_BACK)


def one_case(session: sa.orm.Session, home: Path, there: Office | None = None, number: str = LAN) -> Case:
    citizen = open_citizens(home).meet(session, number, now())
    return agreed(session, case(session, there or office(session), citizen=citizen))


@pytest.mark.both_databases
@pytest.mark.parametrize("closed", [False, True])
def test_a_case_is_as_before_when_its_answer_is_taken_back(database: Database, tmp_path: Path, closed: bool) -> None:
    with database.session() as session:
        there = office(session)
        one = one_case(session, tmp_path, there)
        assignment.assign(session, one, BY, now(), account=there.operator)
        due = one.due_at
        at = now()
        message = replies.answer(session, one, given_answer(), at)
        if closed:
            merging.close(session, one, BY, at)
    with database.session() as session:
        taken = take_back(session, session.get_one(Message, message.id), BY, now())
        assert (taken.text, taken.ways) == ("Đã sửa xong", WAYS)
    with database.session() as session:
        again = session.scalars(sa.select(Case)).one()
        assert (again.status, again.answered_at, again.closed_at, again.due_at) == ("assigned", None, None, due)
        assert [one.direction for one in again.messages] == ["in"]
        assert session.scalars(sa.select(Reply)).all() == []
        assert session.scalars(sa.select(Job.kind).where(Job.kind.not_in(["file"]))).all() == []
        assert again.history[-1].what == "answer_taken_back"
        replies.answer(session, again, given_answer(), now())


def test_second_answer_is_taken_back_and_first_stays(database: Database, tmp_path: Path) -> None:
    with database.session() as session:
        one = one_case(session, tmp_path)
        first = now() - datetime.timedelta(hours=1)
        replies.answer(session, one, given_answer(), first)
        message = replies.answer(session, one, given_answer(text="Còn một điều nữa"), now())
        take_back(session, message, BY, now())
        assert (one.status, one.answered_at) == ("answered", first)
        assert [said.text for said in one.messages if said.direction == "out"] == ["Đã sửa xong"]


def test_answer_of_merged_cases_is_taken_back_in_all_of_them(database: Database, tmp_path: Path) -> None:
    with database.session() as session:
        there = office(session)
        main, merged = (one_case(session, tmp_path, there, number) for number in (LAN, "+84912000011"))
        merging.merge(session, merged, main, BY, now())
        at = now()
        message = replies.answer(session, main, given_answer(), at)
        merging.close(session, main, BY, at)
        assert [one.case_id for one in given_lately(session, BY, at - TO_TAKE_BACK)] == [main.id]
        take_back(session, message, BY, now())
        assert {one.status for one in (main, merged)} == {"new"}
        assert merged.duplicate_of_id == main.id
        assert session.scalars(sa.select(Reply)).all() == []


Later = Callable[[sa.orm.Session, Case], object]


@pytest.mark.parametrize(
    "later",
    [
        lambda session, one: say(session, one, Said(Direction.IN, Channel.TEXT, "citizen", "vẫn hỏng"), now()),
        lambda session, one: happen(session, one, CaseEvent.CLOSE, BY, now()),
        lambda session, one: replies.answer(session, one, given_answer(text="Thêm"), now()),
        lambda session, _: jobs.claim(session, ["send-text"], now() + TO_TAKE_BACK, outbox.LEASE),
        lambda session, _: jobs.claim(session, ["answer-call"], now() + TO_TAKE_BACK, outbox.LEASE),
    ],
    ids=["citizen-wrote", "closed", "answered-again", "text-claimed", "call-claimed"],
)
def test_nothing_is_taken_back_once_something_has_happened(database: Database, tmp_path: Path, later: Later) -> None:
    with database.session() as session:
        one = one_case(session, tmp_path)
        message = replies.answer(session, one, given_answer(), now())
    with database.session() as session:
        later(session, session.scalars(sa.select(Case)).one())
    with database.session() as session:
        before = session.scalars(sa.select(Case.status)).one()
        with pytest.raises(TooLateToTakeBack):
            take_back(session, session.get_one(Message, message.id), BY, now())
    with database.session() as session:
        assert session.scalars(sa.select(Case.status)).one() == before
        assert len(session.get_one(Message, message.id).replies) == 3


def test_note_about_an_answer_does_not_keep_it_from_being_taken_back(database: Database, tmp_path: Path) -> None:
    with database.session() as session:
        one = one_case(session, tmp_path)
        message = replies.answer(session, one, given_answer(), now())
        notes.add_note(session, one, "Nhầm người", BY, now())
        assert is_still_here(message)
        take_back(session, message, BY, now())
        assert one.status == "new"


def test_overdue_alarm_comes_back_with_a_case_whose_answer_is_taken_back(database: Database, tmp_path: Path) -> None:
    def alarmed(session: sa.orm.Session) -> bool:
        return session.scalars(sa.select(sa.func.count(Alarm.id)).where(Alarm.cleared_at.is_(None))).one() == 1

    with database.session() as session:
        one = one_case(session, tmp_path)
        one.due_at = now() - datetime.timedelta(hours=1)
        remind(session, now())
        assert alarmed(session)
        message = replies.answer(session, one, given_answer(), now())
        assert not alarmed(session)
        take_back(session, message, BY, now())
        remind(session, now())
        assert alarmed(session)


def test_answer_to_be_taken_back_joins_no_earlier_call(database: Database, tmp_path: Path) -> None:
    with database.session() as session, time_machine.travel(NOON):
        there = office(session)
        first, second = (one_case(session, tmp_path, there) for _ in range(2))
        replies.answer(session, first, Answer(BY, [Way.CALL], "Đã sửa"), now())
        late = replies.answer(session, second, given_answer([Way.CALL]), now())
        (call,) = answer_calls.claim(session, now(), 5)
        assert len(call.answers) == 1
        assert is_still_here(late)


class Killed(BaseException):
    """The worker's process ends."""


@dataclass
class Line:
    """A provider that can be asked what it has sent; the worker may die before or after it sends."""

    texts: list[str] = field(default_factory=list)
    dies: str = ""

    def send(self, _number: str, text: str, reply_id: int) -> HandedOver:
        if self.dies == "before":
            raise Killed
        self.texts.append(text)
        if self.dies == "after":
            raise Killed
        return HandedOver(f"id-{reply_id}-{text}")

    def look_up(self, _number: str, text: str, _since: datetime.datetime) -> list[HandedOver]:
        return [HandedOver(f"found-{text}")] if text in self.texts else []


class Worker(TextDispatcher):
    """Does one step at a time, without an event loop."""

    def work(self) -> None:
        with self._database.session() as session:
            claims = self.claim(session, 5)
        for claim in claims:
            self.see_to(claim)

    def see_to(self, claim: Claim) -> None:
        with contextlib.suppress(Killed, jobs.ClaimLost):
            self._see_to(claim)


@dataclass
class Desk:
    """One answered case, and what happens to it."""

    database: Database
    book: CitizenBook
    line: Line
    message_id: int
    clock: time_machine.Traveller
    claims: list[Claim] = field(default_factory=list)
    taken: bool = False

    @property
    def worker(self) -> Worker:
        return Worker(self.database, self.book, "twilio", self.line, lambda _, __: False, RULE)

    def do(self, step: str) -> None:
        if step.startswith("wait"):
            self.clock.shift(float(step[4:]))
        elif step == "take back":
            self._take_back()
        elif step == "claim":  # and is killed, or slow
            with self.database.session() as session:
                self.claims += self.worker.claim(session, 5)
        elif step == "slow":
            for claim in self.claims:
                self.worker.see_to(claim)
        else:
            self.line.dies = step.removeprefix("work ")
            self.worker.work()
            self.line.dies = ""

    def _take_back(self) -> None:
        with self.database.session() as session:
            message = session.get(Message, self.message_id)
            if message is None:
                assert self.taken
                return
            with contextlib.suppress(TooLateToTakeBack):
                assert take_back(session, message, BY, now()).text
                self.taken = True


STEPS = ["take back", "wait 3", "wait 8", "wait 130", "work ", "work before", "work after", "claim", "slow"]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.lists(st.sampled_from(STEPS), max_size=8))
def test_text_leaves_once_unless_taken_back_and_then_never(
    database: Database, tmp_path: Path, steps: list[str]
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        with database.session() as session:
            session.execute(sa.delete(Job))
            there = session.scalar(sa.select(Case.unit_id).limit(1))
            book = open_citizens(tmp_path)
            one = case(session, office(session)) if there is None else _another(session, there)
            one.citizen = book.meet(session, LAN, now())
            text = f"Đã sửa {one.number}"
            message = replies.answer(session, one, given_answer([Way.TEXT], text), now())
        desk = Desk(database, book, Line(), message.id, clock)
        for step in (*steps, *("wait 130", "work ") * 4):
            desk.do(step.replace("wait ", "wait"))
        assert desk.line.texts == ([] if desk.taken else [text])
        with database.session() as session:
            found = session.get(Message, message.id)
            if desk.taken:
                assert found is None
            else:
                assert found is not None
                assert [reply.state for reply in found.replies] == ["sent"]


def _another(session: sa.orm.Session, unit_id: int) -> Case:
    said = Said(Direction.IN, Channel.TEXT, "citizen", "Cầu treo bị hỏng")
    return open_case(session, Opening(Channel.TEXT, unit_id, "number"), said, now())
