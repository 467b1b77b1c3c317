import datetime

import pytest
from sqlalchemy.orm import Session

from feedback.cases import case_search, notes
from feedback.cases.case_lifecycle import OPEN, happen
from feedback.cases.case_order import Order
from feedback.cases.case_search import Counts, Wanted
from feedback.cases.notes import NoteRefused
from feedback.models import Case, Citizen, Message, Transcript
from feedback.states import CaseEvent, CaseStatus, Channel
from haichieu.database import Database, now
from tests.builders.cases import case, office

pytestmark = pytest.mark.both_databases

BY = "account:truc@example.vn"


def numbers(session: Session, **wanted: object) -> list[str]:
    return [one.number for one in case_search.find(session, Wanted(**wanted)).cases]  # type: ignore[arg-type]


def transcribed(session: Session, message: Message, text: str) -> None:
    session.add(
        Transcript(message_id=message.id, text=text, original_text=text, engine="x", model="x", language="vi",
                   made_at=now())
    )  # fmt: skip


def test_cases_are_found_by_speech_text_notes_and_details(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        bridge, power = case(session, there, "Cầu treo bị hỏng"), case(session, there, "")
        transcribed(session, power.messages[0], "Mất điện ở trường học")
        for one in (bridge, power):
            case_search.index(session, one)
        notes.add_note(session, power, "Đã gọi điện lực Bảo Lạc", BY, now())
        power.unit_id, power.category, power.due_at = there.coc_pang.id, there.roads, now()
        power.channel = Channel.CALL
        happen(session, bridge, CaseEvent.CLOSE, BY, now())
        session.flush()
        both = [power.number, bridge.number]
        assert numbers(session) == numbers(session, unit_ids=[there.district.id]) == both
        assert numbers(session, words="mat dien") == numbers(session, words="MẤT điện TRƯỜNG") == [power.number]
        assert numbers(session, words="dien luc") == numbers(session, words=power.number) == [power.number]
        assert numbers(session, words="cầu đường") == numbers(session, words="%") == []
        assert numbers(session, unit_ids=[there.co_ba.id]) == [bridge.number]
        assert numbers(session, statuses=[CaseStatus.CLOSED]) == [bridge.number]
        assert numbers(session, channel=Channel.CALL) == numbers(session, category_id=there.roads.id) == [power.number]
        assert numbers(session, department_id=there.benefits.department_id) == []
        late = now() + datetime.timedelta(days=365)
        assert numbers(session, overdue_at=late) == [power.number]
        assert case_search.waiting(session, late) == case_search.Waiting(1, 1, 0)
        assert case_search.waiting(session, late, [there.co_ba.id]) == case_search.Waiting(0, 0, 0)


def test_pages_follow_each_other_and_miss_nothing_that_is_opened_meanwhile(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        at = now()
        made = [case(session, there, f"phản ánh {number}") for number in range(7)]
        for one in made:
            one.opened_at = at  # all in the same moment
        session.flush()
        seen: list[Case] = []
        page = case_search.find(session, Wanted(), most=3)
        while True:
            seen += page.cases
            case(session, there, "mới")
            if page.after is None:
                break
            page = case_search.find(session, Wanted(), page.after, most=3)
        assert [one.id for one in seen] == [one.id for one in reversed(made)]


@pytest.mark.parametrize("text", ["", "  \n", "x" * 5001])
def test_a_note_that_says_nothing_or_too_much_is_refused(database: Database, text: str) -> None:
    with database.session() as session:
        one = case(session, office(session))
        with pytest.raises(NoteRefused):
            notes.add_note(session, one, text, BY, now())


@pytest.mark.parametrize("order", Order)
def test_pages_and_neighbours_follow_an_order_in_both_directions(database: Database, order: Order) -> None:
    with database.session() as session:
        there, at = office(session), now()
        made = [case(session, there, f"phản ánh {number}") for number in range(8)]
        for number, one in enumerate(made):
            one.due_at = None if number > 5 else at + datetime.timedelta(days=-(number // 2))
            one.opened_at = at - datetime.timedelta(hours=number // 2)
        session.flush()
        seen: list[Case] = []
        page = case_search.find(session, Wanted(), most=3, order=order)
        while page.after is not None:
            seen += page.cases
            page = case_search.find(session, Wanted(), page.after, most=3, order=order)
        seen += page.cases
        expected = [4, 5, 2, 3, 0, 1, 6, 7] if order is Order.DUE else [1, 0, 3, 2, 5, 4, 7, 6]
        assert [made.index(one) for one in seen] == expected
        numbers = ["", *(one.number for one in seen), ""]
        for place, one in enumerate(seen, 1):
            found = case_search.neighbours(session, Wanted(), order, one)
            assert found == (numbers[place - 1], numbers[place + 1])


def test_neighbours_of_a_case_that_left_the_list_are_those_it_had(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        first, middle, last = (case(session, there) for _ in range(3))
        for days, one in enumerate((first, middle, last)):
            one.due_at = now() + datetime.timedelta(days=days)
        happen(session, middle, CaseEvent.CLOSE, BY, now())
        found = case_search.neighbours(session, Wanted(statuses=OPEN), Order.DUE, middle)
        assert found == (first.number, last.number)


def test_counts_are_those_of_an_account_in_its_units(database: Database) -> None:
    with database.session() as session:
        there, at = office(session), now()
        late, mine, merged, closed = (case(session, there) for _ in range(4))
        late.due_at = at - datetime.timedelta(hours=1)
        mine.assignee = there.operator
        merged.duplicate_of_id = mine.id
        happen(session, closed, CaseEvent.CLOSE, BY, at)
        session.flush()
        assert case_search.counts(session, at, [there.district.id], there.operator.id) == Counts(2, 1, 1, 4)
        assert case_search.counts(session, at, [there.coc_pang.id], there.operator.id) == Counts(0, 0, 0, 0)


def test_cases_of_a_citizen_are_found_without_the_words(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        citizen = Citizen(number_hash="x", number_locked="x", created_at=now(), seen_at=now())
        session.add(citizen)
        theirs, other = case(session, there, "điện", citizen), case(session, there, "0912 345 678")
        for one in (theirs, other):
            case_search.index(session, one)
        both = [other.number, theirs.number]
        assert numbers(session, words="0912 345 678", or_citizen_id=citizen.id) == both
        assert numbers(session, words="0912 345 678") == [other.number]
