"""The citizens' hotline with real calls; the flow itself is tested in tests/ivr by simulation."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.survey import tallies
from feedback.models import Case, Citizen, CitizenCall, Message, VoiceDraft
from feedback.states import CaseStatus, Direction
from haichieu.audio.sound import Sound, read_wav, write_wav
from haichieu.database import now
from haichieu.demo.audio_matching import Match, match
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from haichieu.people import Unit
from tests.builders.sounds import kept
from tests.on_disk import files_with
from tests.station.scene import OTHER, SAME, Scene, until_heard

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio(loop_scope="session")]

CITIZEN, HURRIED, UNKNOWN, MISSED = "+84977000111", "+84977000222", "+84966123457", "+84977000333"


def cases(scene: Scene) -> list[Case]:
    with scene.station.database.session() as session:
        return list(session.scalars(sa.select(Case).order_by(Case.id)))


def spoken(scene: Scene, case: Case, speech: str) -> Match:
    """Return how much of a speech is in the first message of a case."""
    return heard_in(scene, case, read_wav(scene.speeches[speech]))


def heard_in(scene: Scene, case: Case, sound: Sound) -> Match:
    """Return how much of a sound is in the first message of a case."""
    with scene.station.database.session() as session:
        message = session.scalars(
            sa.select(Message).where(Message.case_id == case.id, Message.direction == Direction.IN).limit(1)
        ).one()
        assert message.sound is not None
        file = MediaStore(scene.station.settings.home / "media", 1).path(message.sound)
    return match(sound, read_wav(file))


async def test_message_is_played_back_and_stored_as_a_case(scene: Scene) -> None:
    citizen = await scene.outside(CITIZEN)
    await scene.call(citizen, "1022", "2")
    await scene.hears(citizen, "ask-category")
    await citizen.digits("1")
    await until(lambda: scene.spool("message") != [], "the recording", 30)
    await citizen.play(scene.speeches["demo-congrats"])
    await citizen.digits("#")
    await citizen.digits("2")
    await until_heard(scene.recording(citizen), read_wav(scene.speeches["demo-congrats"]))
    await citizen.digits("1")
    await until(lambda: len(cases(scene)) == 1, "the case", 20)
    case = cases(scene)[0]
    await scene.hears(citizen, "case-number", first=case.number[:4], second=case.number[4:])
    await scene.hears(citizen, "hotline-menu")
    await citizen.digits("3")
    await citizen.digits(f"{case.number}#")
    await scene.hears(citizen, *(f"case-is-{how}" for how in CaseStatus))  # the worker may have got further meanwhile
    await scene.hang_up(citizen)
    assert spoken(scene, case, "demo-congrats").correlation > SAME
    assert (case.channel, case.unit_by, case.category_by) == ("call", "number", "citizen")
    with scene.station.database.session() as session:
        assert session.scalars(sa.select(VoiceDraft)).all() == []
    assert scene.spool("message") == []


async def test_hanging_up_in_mid_sentence_leaves_a_case(scene: Scene) -> None:
    before = len(cases(scene))
    citizen = await scene.outside(HURRIED)
    await scene.call(citizen, "1022", "20")  # during the greeting
    await until(lambda: scene.spool("message") != [], "the recording", 30)
    await citizen.play(scene.speeches["demo-instruct"])
    await scene.hang_up(citizen)
    await until(lambda: len(cases(scene)) == before + 1, "the case", 30)
    case = cases(scene)[-1]
    assert case.category_id is None
    assert case.citizen_id is not None
    assert spoken(scene, case, "demo-instruct").correlation > SAME
    await until(lambda: scene.spool("message") == [], "the spool is empty")


async def test_caller_who_speaks_before_the_tone_is_recorded_alone(scene: Scene) -> None:
    before = len(cases(scene))
    citizen = await scene.outside(HURRIED)
    await scene.call(citizen, "1022", "20")
    await until(lambda: scene.spool("early-message") != [], "the recording that begins before the tone", 30)
    await citizen.play(scene.speeches["demo-congrats"])  # over the instructions and the tone
    await scene.hang_up(citizen)
    await until(lambda: len(cases(scene)) == before + 1, "the case", 30)
    case = cases(scene)[-1]
    assert spoken(scene, case, "demo-congrats").correlation > SAME
    assert heard_in(scene, case, read_wav(Path(f"{scene.prompt('message-instructions')}.wav"))).correlation < OTHER
    await until(lambda: scene.spool("message") + scene.spool("early") == [], "the spool is empty")
    await scene.quiet()


@pytest.mark.proof
async def test_silent_caller_who_hangs_up_leaves_no_case(scene: Scene) -> None:
    before = len(cases(scene))
    citizen = await scene.outside(HURRIED)
    await scene.call(citizen, "1022", "20")
    await until(lambda: scene.spool("message") != [], "the recording", 30)
    await scene.hang_up(citizen)
    await until(lambda: scene.spool("message") == [], "the spool is empty", 30)
    assert len(cases(scene)) == before


@pytest.mark.proof
async def test_caller_hears_a_bulletin_and_votes_on_it(scene: Scene, tmp_path: Path) -> None:
    speech = read_wav(scene.speeches["demo-instruct"])
    wav = tmp_path / "bulletin.wav"
    write_wav(wav, speech)
    with scene.station.database.session() as session:
        sound = kept(session, MediaStore(scene.station.settings.home / "media", 1), wav)
        commune = session.scalars(sa.select(Unit).where(Unit.code == "CB")).one()
        bulletin = Programme(
            title="Bản tin sáng", origin="upload", unit_id=commune.id, author="account:a@b", author_name="A",
            state="approved", sound=sound, seconds=sound.seconds, created_at=now(), updated_at=now(),
        )  # fmt: skip
        session.add(bulletin)
    citizen = await scene.outside(HURRIED)
    await scene.call(citizen, "1022", "1")
    await until_heard(scene.recording(citizen), speech)
    await scene.hears(citizen, "ask-useful")
    await citizen.digits("1")
    await scene.hears(citizen, "thanks-for-vote")
    await scene.hang_up(citizen)
    with scene.station.database.session() as session:
        assert [(tally.unit, tally.useful, tally.not_useful) for tally in tallies(session)] == [("Cô Ba", 1, 0)]


async def test_citizen_and_duty_desk_hear_each_other(scene: Scene) -> None:
    desk, citizen = await scene.phone("ban-truc"), await scene.outside(CITIZEN)
    await scene.call(citizen, "1022", "0")
    ringing = await desk.incoming(20)
    assert CITIZEN[3:] not in ringing["caller"]
    await desk.answer()
    await desk.play(scene.speeches["demo-congrats"])
    await citizen.play(scene.speeches["demo-instruct"])
    for phone, speech in ((citizen, "demo-congrats"), (desk, "demo-instruct")):
        await until_heard(scene.recording(phone), read_wav(scene.speeches[speech]))
    await scene.hang_up(desk)
    await scene.hears(citizen, "hotline-menu")
    await citizen.digits("0")
    await desk.incoming(20)
    await desk.hang_up()
    await scene.hears(citizen, "duty-desk-busy")
    await scene.hears(citizen, "ask-category")
    await scene.hang_up(citizen)
    await scene.quiet()


async def test_missed_call_is_returned_once(scene: Scene) -> None:
    citizen = await scene.outside(MISSED)
    await citizen.dial("1023")
    await citizen.ringing()
    await scene.hang_up(citizen)
    incoming = await citizen.incoming(30)
    assert incoming["dialled"] == "0977000333"
    await citizen.answer()
    await scene.hears(citizen, "hotline-call-back")
    await scene.hang_up(citizen)
    await citizen.dial("1023")  # again, within minutes
    await citizen.ringing()
    await scene.hang_up(citizen)
    await citizen.call("1023")  # a caller who waits is answered after a ring
    await scene.hears(citizen, "greeting-hotline")
    await scene.hang_up(citizen)
    with scene.station.database.session() as session:
        (owed,) = session.scalars(sa.select(CitizenCall)).all()
    assert (owed.state, owed.outcome, owed.number_locked) == ("done", "answered", "")


async def test_no_citizen_number_is_anywhere_on_the_disk(scene: Scene) -> None:
    before = len(cases(scene))
    citizen = await scene.outside(UNKNOWN)
    await scene.call(citizen, "1022", "20")
    await until(lambda: scene.spool("message") != [], "the recording", 30)
    await citizen.play(scene.speeches["demo-congrats"])
    await citizen.digits("#")
    await citizen.digits("4")
    await until(lambda: len(cases(scene)) == before + 1, "the case", 20)
    await scene.hang_up(citizen)
    case = cases(scene)[-1]
    assert case.citizen_id is None
    assert spoken(scene, case, "demo-congrats").correlation > SAME
    with scene.station.database.session() as session:
        assert session.scalars(sa.select(sa.func.count()).select_from(Citizen)).one() == 2
    home = scene.station.settings.home
    assert files_with(home, "PRAGMA", "RIFF") != [], "the search finds what is there"
    assert files_with(home, *(number[3:] for number in (UNKNOWN, CITIZEN, HURRIED, MISSED))) == []
