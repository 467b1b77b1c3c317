"""Answers to cases over real calls: an official answers by phone, and the citizen hears the answer."""

import datetime
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.programmes import approval
from broadcast_bridge.programmes.models import Programme
from feedback.answers import replies
from feedback.answers.replies import Answer
from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.citizens.registry import open_citizens
from feedback.models import Case, Message, Reply, VoiceDraft
from feedback.states import Channel, Direction, Way
from haichieu.audio.sound import read_wav, write_wav
from haichieu.database import now
from haichieu.demo.audio_matching import match
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from haichieu.people import Account, Role, Unit
from haichieu.station import the_station
from ivr.prompts.spoken_time import spoken_moment
from tests.builders.sounds import kept
from tests.feedback.answers.on_air_answers import aired_at
from tests.station import district, on_air
from tests.station.scene import SAME, Scene, until_heard

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio(loop_scope="session")]

LAN = f"{district.PINS[district.LAN]}#"
CITIZEN = "+84987654321"
BY = "account:truc@example.vn"


def opened(scene: Scene, speech: str, *, known: bool = True) -> int:
    """A spoken case of Cô Ba."""
    with scene.station.database.session() as session:
        store = MediaStore(scene.station.settings.home / "media", 1)
        copy = scene.folder / "case.wav"
        copy.write_bytes(scene.speeches[speech].read_bytes())
        book = open_citizens(scene.station.settings.home)
        unit = session.scalars(sa.select(Unit.id).where(Unit.code == "CB")).one()
        citizen = book.meet(session, CITIZEN, now()) if known else None
        said = Said(Direction.IN, Channel.CALL, "citizen", sound=kept(session, store, copy))
        return open_case(session, Opening(Channel.CALL, unit, "number", citizen), said, now()).id


def answer(scene: Scene, case_id: int, way: Way, speech: str = "demo-instruct") -> int:
    """Answer a case with a recording; return the reply's id."""
    with scene.station.database.session() as session:
        store = MediaStore(scene.station.settings.home / "media", 1)
        copy = scene.folder / "answer.wav"
        write_wav(copy, read_wav(scene.speeches[speech]))
        given = Answer(BY, [way], sound=kept(session, store, copy))
        message = replies.answer(session, session.get_one(Case, case_id), given, now())
        return message.replies[0].id


def reply_of(session: Session, case_id: int) -> Reply:
    return session.scalars(
        sa.select(Reply).join(Message).where(Message.case_id == case_id).order_by(Reply.id.desc()).limit(1)
    ).one()


def state(scene: Scene, case_id: int) -> str:
    with scene.station.database.session() as session:
        return reply_of(session, case_id).state


def spoken(scene: Scene, case_id: int) -> str:
    """When a case was opened, in the words of the prompts."""
    with scene.station.database.session() as session:
        opened_at = session.get_one(Case, case_id).opened_at
        return spoken_moment(opened_at.astimezone(ZoneInfo(the_station(session).timezone)), "vi")


async def pick_up(phone: SoftPhone) -> None:
    await phone.incoming(40)
    await phone.answer()


async def test_citizen_hears_the_answer_an_official_gives_by_phone(scene: Scene) -> None:
    case_id = opened(scene, "demo-congrats")
    citizen = await scene.phone("may-la")
    official = await scene.phone("may-lan")
    await scene.call(official, "1900", LAN, "4")
    await until_heard(scene.recording(official), read_wav(scene.speeches["demo-congrats"]))
    await official.digits("1")
    await until(lambda: scene.spool() != [], "the recording begins", 30)
    await official.play(scene.speeches["demo-instruct"])
    for keys in ("#", "1"):
        await official.digits(keys)
    await scene.hears(official, "answer-by-call")
    await scene.hang_up(official)
    await pick_up(citizen)
    await scene.hears(citizen, "answer-greeting")
    rung = scene.recording(citizen)
    assert match(read_wav(scene.speeches["demo-instruct"]), read_wav(rung)).correlation < 0.5
    await citizen.digits("1")
    await until_heard(rung, read_wav(scene.speeches["demo-instruct"]))
    await until(lambda: state(scene, case_id) == "heard", "heard")
    await scene.hang_up(citizen)
    with scene.station.database.session() as session:
        reply = reply_of(session, case_id)
        assert (reply.state, reply.attempts, session.get_one(Case, case_id).status) == ("heard", 1, "answered")
        assert reply.seconds_heard is not None
        assert reply.message.sound is not None
        assert reply.seconds_heard > 0.9 * reply.message.sound.seconds > 1.5
    log = scene.station.settings.home / "station.log"
    await until(lambda: '"outcome": "The citizen heard the answer."' in log.read_text(), "the log says so too")
    await scene.quiet()


@pytest.mark.proof
async def test_citizen_adds_a_message_to_the_answered_case(scene: Scene) -> None:
    case_id = opened(scene, "demo-congrats")
    citizen = await scene.phone("may-la")
    answer(scene, case_id, Way.CALL)
    await pick_up(citizen)
    await citizen.digits("1")
    await scene.hears(citizen, "answer-of", when=spoken(scene, case_id))
    await citizen.digits("3")
    await until(lambda: scene.spool("message") != [], "the recording begins", 30)
    await citizen.play(scene.speeches["demo-congrats"])
    for key in ("#", "1"):
        await citizen.digits(key)
    await scene.hears(citizen, "speak-more-kept")
    await scene.hang_up(citizen)
    with scene.station.database.session() as session:
        case = session.get_one(Case, case_id)
        assert [message.direction for message in case.messages] == ["in", "out", "in"]
        assert (case.status, reply_of(session, case_id).state) == ("reopened", "heard")
        assert session.scalars(sa.select(VoiceDraft)).all() == []
        more = case.messages[-1].sound
        assert more is not None
        kept = MediaStore(scene.station.settings.home / "media", 1).path(more)
    assert match(read_wav(scene.speeches["demo-congrats"]), read_wav(kept)).correlation > SAME
    await scene.quiet()


@pytest.mark.proof
async def test_busy_and_interrupted_answer_calls_are_repeated(scene: Scene) -> None:
    case_id = opened(scene, "demo-congrats")
    citizen = await scene.phone("may-la")
    answer(scene, case_id, Way.CALL)
    await citizen.incoming(40)
    await citizen.hang_up()  # declined
    await pick_up(citizen)  # rung again, and gone before a key was pressed
    await citizen.hang_up()
    await citizen.ended()
    await pick_up(citizen)
    await citizen.digits("1")
    await until(lambda: state(scene, case_id) == "heard", "heard", 45)
    await scene.hang_up(citizen)
    with scene.station.database.session() as session:
        assert reply_of(session, case_id).attempts == 3
    await citizen.stop()


async def test_unreachable_phone_fails_the_reply_with_a_reason(scene: Scene) -> None:
    unreachable = opened(scene, "demo-congrats")
    await scene.unplug("may-la")
    answer(scene, unreachable, Way.CALL)
    await until(lambda: state(scene, unreachable) == "failed", "given up", 60)
    with scene.station.database.session() as session:
        reply = reply_of(session, unreachable)
        assert reply.attempts == 4
        assert reply.reason is not None


async def test_approved_answer_is_heard_on_a_loudspeaker(scene: Scene) -> None:
    scene.forget()
    case_id = opened(scene, "demo-congrats", known=False)
    with scene.station.database.session() as session:
        unit = session.scalars(sa.select(Unit.id).where(Unit.code == "CB")).one()
        session.add(Account(email="d@d.vn", name="Duyệt", password_hash="x", role=Role.ADMIN, unit_id=unit))
    answer(scene, case_id, Way.AIR)
    await until(lambda: state(scene, case_id) == "filed", "filed", 45)
    with scene.station.database.session() as session:
        programme = session.get_one(Programme, reply_of(session, case_id).programme_id)
        assert (programme.state, programme.author) == ("submitted", BY)
        approval.approve(session, programme, "account:d@d.vn", now())
        number = programme.id
    on_air.plan_in(scene.station.database, 1, "11", programme_id=number)
    await until(lambda: scene.heard("cb-1", "demo-instruct").correlation > SAME, "on the loudspeaker", 45)
    await scene.ended()
    with scene.station.database.session() as session:
        aired = aired_at(session, reply_of(session, case_id))
        assert aired is not None
        assert now() - aired < datetime.timedelta(minutes=2)
