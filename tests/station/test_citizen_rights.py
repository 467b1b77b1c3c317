"""Consent and deletion by real calls; the dialogue itself is tested in tests/ivr by simulation."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from feedback.citizens.models import Consent, DataRequest
from feedback.models import Case
from feedback.states import CaseStatus
from haichieu.audio.sound import Sound, read_wav
from haichieu.demo.audio_matching import match
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from haichieu.station import the_station
from ivr.prompts.spoken_time import spoken_moment
from tests.station.scene import SAME, Scene, until_heard

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("callers"), pytest.mark.asyncio(loop_scope="session")]

CALLER, OTHER = "+84977000777", "+84977000888"


def newest(scene: Scene) -> Case:
    with scene.station.database.session() as session:
        return session.scalars(sa.select(Case).order_by(Case.id.desc()).limit(1)).one()


def requests(scene: Scene, case: Case) -> list[DataRequest]:
    with scene.station.database.session() as session:
        return list(session.scalars(sa.select(DataRequest).where(DataRequest.case_id == case.id)))


@pytest.mark.proof
async def test_consent_is_recorded_and_deletion_asked_from_own_phone_only(scene: Scene) -> None:
    citizen = await scene.outside(CALLER)
    await scene.call(citizen, "1022", "20")
    await until(lambda: scene.spool("message") != [], "the recording", 30)
    await citizen.play(scene.speeches["demo-congrats"])
    await citizen.digits("#1")
    await scene.hears(citizen, "consent-answer")
    await citizen.digits("5")
    await until(lambda: scene.spool("consent") != [], "the recording of the consent", 30)
    await citizen.play(scene.speeches["demo-instruct"])
    await citizen.digits("#")
    await scene.hears(citizen, "consent-kept")
    await scene.hang_up(citizen)
    case = newest(scene)
    with scene.station.database.session() as session:
        consent = session.scalars(sa.select(Consent).where(Consent.case_id == case.id)).one()
        assert (consent.purpose, consent.sound is not None) == ("answer", True)
        assert consent.sound is not None
        file = MediaStore(scene.station.settings.home / "media", 1).path(consent.sound)
        assert match(read_wav(scene.speeches["demo-instruct"]), read_wav(file)).correlation > SAME
    assert case.dialled == "1022"

    stranger = await scene.outside(OTHER)
    await scene.call(stranger, "1022", f"3{case.number}#")
    await scene.hears(stranger, *(f"case-is-{how}" for how in CaseStatus))
    await stranger.digits("81")
    await scene.hang_up(stranger)
    assert requests(scene, case) == []

    citizen = await scene.outside(CALLER)
    await scene.call(citizen, "1022", f"3{case.number}#")
    await scene.hears(citizen, "case-right-erasure")
    await citizen.digits("8")
    await scene.hears(citizen, "case-erasure-confirm")
    await citizen.digits("1")
    await until(lambda: len(requests(scene, case)) == 1, "the request", 30)
    await scene.hang_up(citizen)
    (request,) = requests(scene, case)
    assert (request.kind, request.channel, request.case_id, request.state) == ("erasure", "call", case.id, "open")
    await scene.quiet()


@pytest.mark.proof
async def test_caller_without_consent_objects_by_key_and_hears_what_follows(scene: Scene) -> None:
    citizen = await scene.outside(CALLER)
    await scene.call(citizen, "1022", "20")
    await until(lambda: scene.spool("message") != [], "the recording", 30)
    await citizen.play(scene.speeches["demo-congrats"])
    await citizen.digits("#1")
    await scene.hears(citizen, "consent-answer")
    await citizen.digits("#")
    await scene.hang_up(citizen)
    case = newest(scene)

    citizen = await scene.outside(CALLER)
    await scene.call(citizen, "1022", f"3{case.number}#")
    await scene.hears(citizen, "case-right-objection")
    await until_heard(scene.recording(citizen), spoken(scene, "case-right-objection"))
    await citizen.digits("7")
    await until(lambda: len(requests(scene, case)) == 1, "the objection", 30)
    (request,) = requests(scene, case)
    with scene.station.database.session() as session:
        zone = ZoneInfo(the_station(session).timezone)
    when = spoken_moment(request.due_at.astimezone(zone), "vi")
    await scene.hears(citizen, "case-asked-objection", when=when)
    await until_heard(scene.recording(citizen), spoken(scene, "case-asked-objection", when=when))
    await scene.hang_up(citizen)

    assert (request.kind, request.channel, request.case_id, request.state) == ("objection", "call", case.id, "open")
    with scene.station.database.session() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Consent.case_id == case.id)) == 0
        history = [step.what for step in session.get_one(Case, case.id).history]
    assert history.count("asked_objection") == 1
    await scene.quiet()


def spoken(scene: Scene, prompt: str, **values: str) -> Sound:
    """Return a prompt as the telephone carries it."""
    return read_wav(Path(f"{scene.prompt(prompt, **values)}.wav"))
