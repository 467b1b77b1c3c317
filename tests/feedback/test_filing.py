import datetime

import pytest
import sqlalchemy as sa

from feedback import job_kinds
from feedback.cases import assignment, case_search
from feedback.cases.case_lifecycle import Opening, Said, happen, open_case, say
from feedback.cases.case_search import Wanted
from feedback.intake import filing
from feedback.intake.filing import FilingJobs
from feedback.models import Case, CaseLink, Message
from feedback.states import CaseEvent, CaseStatus, Channel, Direction
from haichieu import jobs
from haichieu.database import Database, now
from haichieu.jobs import Job
from haichieu.locale import render
from tests.builders.cases import Office, case, office

BY = "account:truc@example.vn"


def opened(session: sa.orm.Session, there: Office, text: str, **about: object) -> Case:
    chosen = {"channel": Channel.TEXT, "unit_id": there.district.id, "unit_by": "number"} | about
    return open_case(
        session, Opening(**chosen), Said(Direction.IN, Channel.TEXT, "citizen", text), now()  # type: ignore[arg-type]
    )  # fmt: skip


async def test_what_was_said_decides_what_nobody_has_decided(database: Database) -> None:
    with database.session() as session:
        number = opened(session, office(session), "Cầu treo ở cốc pàng hỏng").number
    desk = FilingJobs(database)
    assert await desk.step() == 1
    assert await desk.step() == 0
    with database.session() as session:
        filed = session.scalars(sa.select(Case)).one()
        assert (filed.category_by, filed.unit_by) == ("keywords: cầu", "place: Cốc Pàng")
        assert filed.unit.name == "Xã Cốc Pàng"
        assert filed.department is not None
        assert filed.department.code == "kinh-te"
        assert [step.what for step in filed.history] == ["opened", "category", "unit"]
        assert [render(step.after_message, "vi") for step in filed.history][1:] == [
            "Hạ tầng, điện, nước (đoán theo từ khóa)",
            "Xã Cốc Pàng (đoán theo tên nơi)",
        ]  # not the words found: the history outlives their erasure
        assert filed.status == CaseStatus.NEW
        assert [found.number for found in case_search.find(session, Wanted("cau treo")).cases] == [number]
        assert session.scalars(sa.select(Job.state)).all() == ["done"]


@pytest.mark.parametrize("by", ["citizen", BY])
def test_a_choice_by_a_person_stays(database: Database, by: str) -> None:
    with database.session() as session:
        there = office(session)
        one = opened(
            session, there, "mất điện ở Cốc Pàng", unit_by=by, category=there.benefits, category_by=by
        )  # fmt: skip
        filing.file_message(session, one.messages[0], now())
        assert (one.category, one.unit.code, one.category_by, one.unit_by) == (there.benefits, "BL", by, by)


def test_a_guessed_category_follows_additions_until_work_begins(
    database: Database,
) -> None:
    with database.session() as session:
        there = office(session)
        one = opened(session, there, "mất điện", category_by="citizen")
        filing.file_message(session, one.messages[0], now())
        assert one.category is there.roads
        said = Said(Direction.IN, Channel.TEXT, "citizen", "nhà tôi hộ nghèo, chưa có trợ cấp, bảo hiểm")
        filing.file_message(session, say(session, one, said, now()), now())
        assert one.category is there.benefits
        happen(session, one, CaseEvent.ASSIGN, BY, now())
        said = Said(Direction.IN, Channel.TEXT, "citizen", "đường, điện, nước, cầu, mương đều hỏng hết rồi")
        filing.file_message(session, say(session, one, said, now()), now())
        assert one.category is there.benefits


def test_filing_twice_is_filing_once(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        opened(session, there, "Cầu treo ở Cốc Pàng hỏng, trẻ em không đi học được")
        one = opened(session, there, "Cầu treo ở Cốc Pàng hỏng, các cháu không đi học được")
        for message in session.scalars(sa.select(Message)).all():
            filing.file_message(session, message, now())
        session.refresh(one)
        before = len(one.history), session.scalars(sa.select(sa.func.count()).select_from(CaseLink)).one()
        filing.file_message(session, one.messages[0], now())
        session.flush()
        session.refresh(one)
        assert (len(one.history), session.scalars(sa.select(sa.func.count()).select_from(CaseLink)).one()) == before
        assert before[1] == 1


@pytest.mark.both_databases
async def test_duplicates_that_arrive_together_are_linked(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        for _ in range(4):
            opened(session, there, "Cầu treo ở cốc pàng hỏng từ sáng nay")
    desk = FilingJobs(database)
    while await desk.step():
        pass
    with database.session() as session:
        linked = {frozenset((link.case_id, link.other_id)) for link in session.scalars(sa.select(CaseLink))}
        assert len(linked) == 6


async def test_the_message_of_a_dead_worker_is_filed_by_another(database: Database) -> None:
    with database.session() as session:
        case(session, office(session))
        long_ago = now() - datetime.timedelta(hours=1)
        session.execute(sa.update(Job).values(due_at=long_ago))
        assert jobs.claim(session, [job_kinds.FILE], long_ago, filing.LEASE)
    assert await FilingJobs(database).step() == 1
    with database.session() as session:
        assert session.scalars(sa.select(Case)).one().search_text.endswith("cau treo bi hong")


@pytest.mark.parametrize("text", ["🙂" * 500, "'; DROP TABLE cases; --", "x" * 2000, "%_\\", "\u202e\u0000"[:1]])
async def test_whatever_is_written_is_filed(database: Database, text: str) -> None:
    with database.session() as session:
        case(session, office(session), text)
    await FilingJobs(database).step()
    with database.session() as session:
        assert session.scalars(sa.select(Job.state)).one() == "done"
        assert [one.messages[0].text for one in case_search.find(session, Wanted(text)).cases] == [text]


def test_a_case_goes_to_accounts_of_its_unit(database: Database) -> None:
    with database.session() as session:
        there = office(session)
        one = case(session, there)
        there.operator.unit_id = there.coc_pang.id
        with pytest.raises(assignment.AssignmentRefused, match="not responsible"):
            assignment.assign(session, one, BY, now(), account=there.operator)
        there.operator.unit_id = there.district.id
        assignment.assign(session, one, BY, now(), account=there.operator, department=there.benefits.department)
        session.flush()
        assert (one.status, one.assignee, one.department) == (
            "assigned", there.operator, there.benefits.department
        )  # fmt: skip
        with pytest.raises(assignment.AssignmentRefused, match="Choose a department"):
            assignment.assign(session, one, BY, now())
