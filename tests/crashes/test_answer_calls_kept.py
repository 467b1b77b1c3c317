"""The switchboard dies while it tells a citizen an answer: the citizen is rung again, and hears it once."""

import pytest
import sqlalchemy as sa

from feedback import replies
from feedback.answers import calls
from feedback.cases import Opening, Said, open_case
from feedback.citizens import open_citizens
from feedback.models import Case, Message, Reply
from feedback.replies import Answer
from feedback.states import Channel, Direction, Way
from haichieu.cli.trial_station import until
from haichieu.database import now
from haichieu.jobs import Job
from haichieu.people import Unit
from haichieu.station import the_station
from tests.crashes.processes import child_of, kill
from tests.station.listening import Scene

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.calls]

CITIZEN = "+84987654321"


async def test_a_killed_switchboard_neither_loses_nor_doubles_an_answer(scene: Scene) -> None:
    citizen = await scene.phone("may-la")
    with scene.station.database.session() as session:
        the_station(session).reply_hours = ""
        unit = session.scalars(sa.select(Unit.id).where(Unit.code == "CB")).one()
        person = open_citizens(scene.station.settings.home).meet(session, CITIZEN, now())
        said = Said(Direction.IN, Channel.TEXT, "citizen", "Mương bị vỡ")
        case = open_case(session, Opening(Channel.TEXT, unit, "number", person), said, now())
        replies.answer(session, case, Answer("account:x", [Way.CALL], "Xã sẽ sửa mương trong tuần này."), now())
    await citizen.incoming(40)
    await citizen.answer()
    await scene.hears(scene.phone_file(), "answer-greeting")
    kill(child_of(scene.station, "switchboard"))
    await citizen.ended(30)
    with scene.station.database.session() as session:
        reply = session.scalars(sa.select(Reply)).one()
        job = session.scalars(sa.select(Job).where(Job.kind == "answer-call")).one()
        assert (reply.state, job.state) == ("under_way", "running")
        assert job.leased_until is not None
        assert (job.leased_until - reply.changed_at).total_seconds() >= 60
        assert calls.LEASE.total_seconds() > 60
        job.leased_until = now()  # as if that time had passed
    await citizen.incoming(60)
    await citizen.answer()
    await citizen.digits("1")
    await until(lambda: replied(scene) == [("heard", 2)], "heard at the second call", 45)
    await citizen.hang_up()
    await citizen.ended()
    await scene.quiet()
    with scene.station.database.session() as session:
        assert calls.next_due(session) is None
        case = session.scalars(sa.select(Case)).one()
        outgoing = sa.select(sa.func.count()).select_from(Message).where(Message.direction == "out")
        assert (case.status, session.scalars(outgoing).one()) == ("answered", 1)


def replied(scene: Scene) -> list[tuple[str, int]]:
    with scene.station.database.session() as session:
        return [(reply.state, reply.attempts) for reply in session.scalars(sa.select(Reply))]
