"""A switchboard killed while it sends a text: no text is sent twice, and a person decides doubtful cases."""

from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from feedback.answers import replies
from feedback.answers.replies import Answer
from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.citizens.registry import open_citizens
from feedback.models import Case, CaseChange, Message, Reply
from feedback.states import Channel, Direction, Way
from haichieu.alarms import open_alarms
from haichieu.database import now
from haichieu.demo.trial_station import until
from haichieu.jobs import Job
from haichieu.people import Unit
from tests.crashes.pausing import bytes_waiting, locked_database, paused_process
from tests.crashes.processes import child_of, kill
from tests.station.texting import Texting

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.calls, pytest.mark.xdist_group("breakable")]

CITIZEN = "+84912345678"
"""A phone beyond the gateway."""


def answered(texting: Texting, text: str, case_id: int | None = None) -> int:
    """Answer a case by text, a new one unless told otherwise; return its id."""
    with texting.station.database.session() as session:
        if case_id is None:
            unit = session.scalars(sa.select(Unit.id).where(Unit.code == "CB")).one()
            person = open_citizens(texting.station.settings.home).meet(session, CITIZEN, now())
            said = Said(Direction.IN, Channel.PANEL, "citizen", "Cầu hỏng")
            case_id = open_case(session, Opening(Channel.PANEL, unit, "number", person), said, now()).id
        case = session.get_one(Case, case_id)
        replies.answer(session, case, Answer("account:a", [Way.TEXT], text), now())
        return case_id


def reply_with(texting: Texting, text: str) -> Reply:
    with texting.station.database.session() as session:
        return session.scalars(sa.select(Reply).join(Message).where(Message.text == text)).one()


def taken_by_the_gateway(texting: Texting) -> list[str]:
    return [event["text"] for event in texting.gateway.events if event["event"] == "text_received"]


@pytest.mark.proof
async def test_text_of_unknown_state_is_left_to_a_person(texting: Texting) -> None:
    text, station = " ".join(["Cầu treo đã sửa xong."] * 100), texting.station
    with ExitStack() as until_it_is_killed:
        with paused_process(child_of(station, "asterisk")):
            case_id = answered(texting, text)
            await until(lambda: bytes_waiting(station.settings.ari_port) > len(text), "the request to send it", 30)
            assert reply_with(texting, text).state == "under_way"
            until_it_is_killed.enter_context(locked_database(station.database))
        assert (await texting.gateway.text_received())["text"] == text
        kill(child_of(station, "switchboard"))
    with station.database.session() as session:
        job = session.scalars(sa.select(Job).where(Job.kind == "send-sip-text")).one()
        assert (job.state, job.leased_until is not None) == ("running", True)
        job.leased_until = now()  # as if that time had passed
    await until(lambda: reply_with(texting, text).state == "failed", "given to a person", 30)
    reason = reply_with(texting, text).reason
    assert reason is not None
    assert reason.key == "text.in_doubt_because"
    with station.database.session() as session:
        number = session.get_one(Case, case_id).number
        assert [(one.kind, one.subject) for one in open_alarms(session)] == [("answer_failed", f"case:{number}")]
        steps = session.scalars(sa.select(CaseChange.what).where(CaseChange.case_id == case_id)).all()
        assert steps.count("text_in_doubt") == 1
    answered(texting, "Cầu đã sửa, gửi lại", case_id)  # the person's word
    assert (await texting.gateway.text_received())["text"] == "Cầu đã sửa, gửi lại"
    assert taken_by_the_gateway(texting).count(text) == 1


@pytest.mark.proof
async def test_text_at_a_slow_gateway_arrives_once(texting: Texting) -> None:
    with paused_process(texting.gateway.pid):
        answered(texting, "Đường đã thông")
        await until(lambda: reply_with(texting, "Đường đã thông").state == "sent", "taken by Asterisk", 30)
        kill(child_of(texting.station, "switchboard"))
    assert (await texting.gateway.text_received())["text"] == "Đường đã thông"
    answered(texting, "Mương đã nạo vét")
    assert (await texting.gateway.text_received(30))["text"] == "Mương đã nạo vét"
    assert taken_by_the_gateway(texting).count("Đường đã thông") == 1
    assert (reply_with(texting, "Đường đã thông").state, reply_with(texting, "Đường đã thông").attempts) == ("sent", 1)
