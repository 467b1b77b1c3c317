import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from feedback.answers import replies
from feedback.answers.replies import Answer
from feedback.cases import case_search, duplicates, merging
from feedback.cases.case_lifecycle import Said, say
from feedback.cases.duplicates import likeness, shared_phrases
from feedback.cases.merging import MergeRefused
from feedback.citizens.registry import open_citizens
from feedback.models import Case, Reply
from feedback.states import CaseStatus, Channel, Direction, Way
from haichieu.database import Database, now
from haichieu.folded_text import folded
from tests.builders.cases import Office, agreed, case, office

pytestmark = pytest.mark.both_databases

BY = "account:truc@example.vn"
BRIDGE = "Cầu treo qua suối ở xóm Nà Đôm bị hỏng, trẻ em không đi học được"
BRIDGE_AGAIN = "cau treo qua suoi xom na dom hong roi, tre em khong di hoc duoc"
POWER = "Mất điện từ hôm qua đến nay, đề nghị điện lực sửa giúp"


def found_by_words(session: sa.orm.Session, there: Office, text: str) -> Case:
    one = case(session, there, text)
    case_search.index(session, one)
    return one


def test_the_same_concern_in_other_words_is_linked(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        first = found_by_words(session, there, BRIDGE)
        power = found_by_words(session, there, POWER)
        second = found_by_words(session, there, BRIDGE_AGAIN)
        (found,) = duplicates.link(session, second)
        assert (found.case_id, found.other_id) == (second.id, first.id)
        assert found.score >= duplicates.LIKELY
        assert duplicates.link(session, second) == []
        assert duplicates.links_of(session, first) == [found]
        assert duplicates.link(session, power) == []


def test_another_commune_and_too_few_words_are_not_compared(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        found_by_words(session, there, BRIDGE)
        elsewhere = found_by_words(session, there, BRIDGE)
        elsewhere.unit_id = there.coc_pang.id
        assert duplicates.link(session, elsewhere) == []
        assert duplicates.link(session, found_by_words(session, there, "mất điện")) == []


def test_a_link_that_was_dismissed_does_not_come_back(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        first, second = found_by_words(session, there, BRIDGE), found_by_words(session, there, BRIDGE_AGAIN)
        duplicates.link(session, second)
        merging.dismiss(session, first, second, BY, now())
        assert duplicates.link(session, second) == duplicates.link(session, first) == []
        assert duplicates.links_of(session, second) == []
        with pytest.raises(MergeRefused, match="not linked"):
            merging.dismiss(session, first, case(session, there), BY, now())


def test_likeness_is_even_and_between_nothing_and_all() -> None:
    assert likeness("", "") == likeness("a b", "c d") == 0
    assert likeness("mat dien", "mat dien") == pytest.approx(1)
    assert likeness("mat dien", "mat nuoc") == likeness("mat nuoc", "mat dien")


@pytest.mark.parametrize(
    ("one", "other", "phrases"),
    [
        (BRIDGE, BRIDGE_AGAIN, ["trẻ em không đi học được", "Cầu treo qua suối", "xóm Nà Đôm"]),
        (BRIDGE_AGAIN, BRIDGE, ["tre em khong di hoc duoc", "cau treo qua suoi", "xom na dom"]),
        (unicodedata.normalize("NFD", BRIDGE), "CẦU TREO!", ["Cầu treo"]),
        ("điện nước, điện nước", "điện nước", ["điện nước"]),
        (BRIDGE, POWER, []),
        ("", BRIDGE, []),
        ("cầu", "cầu", []),
    ],
)
def test_why_two_texts_are_alike_is_said_in_their_own_letters(one: str, other: str, phrases: list[str]) -> None:
    assert shared_phrases(one, other) == phrases


@given(one=st.text(alphabet="aăâ bc"), other=st.text(alphabet="aăâ bc"))
def test_shared_phrases_are_in_both_texts(one: str, other: str) -> None:
    for phrase in shared_phrases(one, other):
        assert phrase in " ".join(unicodedata.normalize("NFC", one).split())
        for pair in pairwise(folded(phrase).split()):
            assert " ".join(pair) in folded(other)


def test_an_answer_reaches_the_citizens_of_merged_cases_and_is_aired_once(database: Database, tmp_path: Path) -> None:
    book = open_citizens(tmp_path)
    with database.session() as session:
        there = office(session)
        main, known, unknown, later = (
            case(session, there, BRIDGE, citizen=book.meet(session, number, now()) if number else None)
            for number in ("+84912000011", "+84912000012", "", "+84912000013")
        )
        agreed(session, main)
        merging.merge(session, later, known, BY, now())
        for one in (known, unknown):
            assert merging.merge(session, one, main, BY, now()) is main
        assert {one.id for one in merging.merged_into(session, main)} == {known.id, unknown.id, later.id}
        waits = case_search.waiting(session, now())
        assert waits.open == 1
        replies.answer(session, main, Answer(BY, [Way.TEXT, Way.AIR], "Đã sửa cầu"), now())
    with database.session() as session:
        assert set(session.scalars(sa.select(Case.status))) == {CaseStatus.ANSWERED}
        assert sorted(session.scalars(sa.select(Reply.way))) == ["air", "text", "text", "text"]
        assert [one.messages[-1].text for one in session.scalars(sa.select(Case))] == ["Đã sửa cầu"] * 4


def test_a_citizen_with_several_of_the_cases_is_notified_once(database: Database, tmp_path: Path) -> None:
    with database.session() as session:
        there = office(session)
        somebody, another = (open_citizens(tmp_path).meet(session, f"+8491200002{one}", now()) for one in "12")
        main, again, other, other_again = (
            case(session, there, BRIDGE, citizen=who) for who in (somebody, somebody, another, another)
        )
        for one in (again, other, other_again):
            merging.merge(session, one, main, BY, now())
        replies.answer(session, main, Answer(BY, [Way.TEXT, Way.CALL], "Đã sửa cầu"), now())
    with database.session() as session:
        cases = session.scalars(sa.select(Case).order_by(Case.id))
        told = [sorted(reply.way for reply in one.messages[-1].replies) for one in cases]
        assert told == [["call", "text"], [], ["call", "text"], []]
        assert set(session.scalars(sa.select(Case.status))) == {CaseStatus.ANSWERED}


def test_what_cannot_be_merged_is_refused_and_a_merge_can_be_undone(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        one, other = case(session, there), case(session, there)
        with pytest.raises(MergeRefused, match="itself"):
            merging.merge(session, one, one, BY, now())
        merging.merge(session, one, other, BY, now())
        with pytest.raises(MergeRefused, match="itself"):
            merging.merge(session, other, one, BY, now())
        with pytest.raises(MergeRefused, match="already"):
            merging.merge(session, one, other, BY, now())
        merging.unmerge(session, one, BY, now())
        assert one.duplicate_of_id is None
        with pytest.raises(MergeRefused, match="not merged"):
            merging.unmerge(session, one, BY, now())


def test_a_citizen_who_rejects_the_main_answer_waits_for_their_own(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        one, main = case(session, there), case(session, there)
        merging.merge(session, one, main, BY, now())
        merging.close(session, main, BY, now())
        assert (one.status, case_search.waiting(session, now()).open) == (CaseStatus.CLOSED, 0)
        say(session, one, Said(Direction.IN, Channel.TEXT, "citizen", "vẫn hỏng"), now())
        assert (one.status, one.duplicate_of_id) == (CaseStatus.REOPENED, None)
        assert case_search.waiting(session, now()).open == 1
        with pytest.raises(MergeRefused, match="separately"):
            merging.merge(session, one, main, BY, now())
