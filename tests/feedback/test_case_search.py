import datetime

import pytest
from sqlalchemy.orm import Session

from feedback.cases import case_search, notes
from feedback.cases.case_lifecycle import happen
from feedback.cases.case_search import Wanted
from feedback.cases.notes import NoteRefused
from feedback.models import Case, Message, Transcript
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
