"""The citizens' line with real calls: what was spoken is what is kept, and who called stays unknown to the disk."""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
import sqlalchemy as sa

from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.survey import tallies
from feedback.models import Case, Citizen, CitizenCall, Message, VoiceDraft
from feedback.states import CaseStatus, Direction
from haichieu.audio.sound import read_wav, write_wav
from haichieu.database import now
from haichieu.demo.audio_matching import Match, match
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from haichieu.media import MediaStore
from haichieu.people import Unit
from ivr.calls.routing import Number
from ivr.custom_flows import editing
from ivr.custom_flows.sketch import read_sketch
from ivr.flows.definition import delivered_definition
from tests.station.district import DUTY_DESK, HAI
from tests.station.panel import panel
from tests.station.scene import OTHER, SAME, Scene, until_heard

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

CITIZEN, HURRIED, UNKNOWN, MISSED = "+84977000111", "+84977000222", "+84966123457", "+84977000333"


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def no_phone_outlives_its_test(scene: Scene) -> AsyncIterator[None]:
    """One telephone at a time can use the carrier's port."""
    async with AsyncExitStack() as phones:
        whole, scene.stack = scene.stack, phones
        yield
        scene.stack = whole


def cases(scene: Scene) -> list[Case]:
    with scene.station.database.session() as session:
        return list(session.scalars(sa.select(Case).order_by(Case.id)))


def spoken(scene: Scene, case: Case, speech: str) -> Match:
    """How much of a speech is in the first message of a case."""
    with scene.station.database.session() as session:
        message = session.scalars(
            sa.select(Message).where(Message.case_id == case.id, Message.direction == Direction.IN).limit(1)
        ).one()
        assert message.sound is not None
        file = MediaStore(scene.station.settings.home / "media", 1).path(message.sound)
    return match(read_wav(scene.speeches[speech]), read_wav(file))


def left_in_spool(scene: Scene) -> list[Path]:
    return list((scene.station.settings.home / "spool").rglob("message-*"))


async def away(phone: SoftPhone, scene: Scene) -> None:
    await phone.hang_up()
    await phone.ended()
    await phone.stop()
    await scene.quiet()


async def test_what_was_spoken_is_heard_again_and_kept_under_the_number_that_is_spoken(scene: Scene) -> None:
    citizen = await scene.outside(CITIZEN)
    heard = scene.phone_file()
    await citizen.call("1022")
    await citizen.digits("2")
    await scene.hears(heard, "ask-category")
    await citizen.digits("1")
    await until(lambda: left_in_spool(scene) != [], "the recording", 30)
    await citizen.play(scene.speeches["demo-congrats"])
    await citizen.digits("#")
    await citizen.digits("2")
    speech = read_wav(scene.speeches["demo-congrats"])
    await until_heard(heard, speech)
    await citizen.digits("1")
    await until(lambda: len(cases(scene)) == 1, "the case", 20)
    case = cases(scene)[0]
    await scene.hears(heard, "case-number", first=case.number[:4], second=case.number[4:])
    await scene.hears(heard, "hotline-menu")
    await citizen.digits("3")
    await citizen.digits(f"{case.number}#")
    await scene.hears_one(heard, [f"case-is-{how}" for how in CaseStatus])  # the worker may have got further meanwhile
    await away(citizen, scene)
    assert spoken(scene, case, "demo-congrats").correlation > SAME
    assert (case.channel, case.unit_by, case.category_by) == ("call", "number", "citizen")
    with scene.station.database.session() as session:
        assert session.scalars(sa.select(VoiceDraft)).all() == []
    assert left_in_spool(scene) == []


async def test_who_keys_ahead_and_hangs_up_in_the_middle_of_a_sentence_leaves_a_case(scene: Scene) -> None:
    before = len(cases(scene))
    citizen = await scene.outside(HURRIED)
    await citizen.call("1022")
    await citizen.digits("20")  # during the greeting
    await until(lambda: left_in_spool(scene) != [], "the recording", 30)
    await citizen.play(scene.speeches["demo-instruct"])
    await away(citizen, scene)
    await until(lambda: len(cases(scene)) == before + 1, "the case", 30)
    case = cases(scene)[-1]
    assert case.category_id is None
    assert case.citizen_id is not None
    assert spoken(scene, case, "demo-instruct").correlation > SAME
    await until(lambda: left_in_spool(scene) == [], "the spool is empty")


async def test_who_says_nothing_and_hangs_up_leaves_no_case(scene: Scene) -> None:
    before = len(cases(scene))
    citizen = await scene.outside(HURRIED)
    await citizen.call("1022")
    await citizen.digits("20")
    await until(lambda: left_in_spool(scene) != [], "the recording", 30)
    await away(citizen, scene)
    await until(lambda: left_in_spool(scene) == [], "the spool is empty", 30)
    assert len(cases(scene)) == before


async def test_a_bulletin_is_heard_and_voted_on(scene: Scene, tmp_path: Path) -> None:
    speech = read_wav(scene.speeches["demo-instruct"])
    wav = tmp_path / "bulletin.wav"
    write_wav(wav, speech)
    with scene.station.database.session() as session:
        sound = MediaStore(scene.station.settings.home / "media", 1).keep(session, wav)
        commune = session.scalars(sa.select(Unit).where(Unit.code == "CB")).one()
        bulletin = Programme(
            title="Bản tin sáng", origin="upload", unit_id=commune.id, author="account:a@b", author_name="A",
            state="approved", sound=sound, seconds=sound.seconds, created_at=now(), updated_at=now(),
        )  # fmt: skip
        session.add(bulletin)
    citizen = await scene.outside(CITIZEN)
    heard = scene.phone_file()
    await citizen.call("1022")
    await citizen.digits("1")
    await until_heard(heard, speech)
    await scene.hears(heard, "ask-useful")
    await citizen.digits("1")
    await scene.hears(heard, "thanks-for-vote")
    await away(citizen, scene)
    with scene.station.database.session() as session:
        assert [(tally.unit, tally.useful, tally.not_useful) for tally in tallies(session)] == [("Cô Ba", 1, 0)]


async def test_citizen_and_duty_desk_hear_each_other(scene: Scene) -> None:
    desk = await scene.phone("ban-truc")
    desk_hears = scene.phone_file()
    citizen = await scene.outside(CITIZEN)
    citizen_hears = scene.phone_file()
    await citizen.call("1022")
    await citizen.digits("0")
    ringing = await desk.incoming(20)
    assert CITIZEN[3:] not in ringing["caller"]
    await desk.answer()
    await desk.play(scene.speeches["demo-congrats"])
    await citizen.play(scene.speeches["demo-instruct"])
    for file, speech in ((citizen_hears, "demo-congrats"), (desk_hears, "demo-instruct")):
        await until_heard(file, read_wav(scene.speeches[speech]))
    await desk.hang_up()
    await scene.hears(citizen_hears, "hotline-menu")
    await citizen.digits("0")
    await desk.incoming(20)
    await desk.hang_up()
    await scene.hears(citizen_hears, "duty-desk-busy")
    await scene.hears(citizen_hears, "ask-category")
    await away(citizen, scene)
    await desk.stop()


async def test_a_missed_call_is_returned_once(scene: Scene) -> None:
    citizen = await scene.outside(MISSED)
    await citizen.dial("1023")
    await citizen.ringing()
    await citizen.hang_up()
    await citizen.ended()
    incoming = await citizen.incoming(30)
    assert incoming["dialled"] == "0977000333"
    await citizen.answer()
    await scene.hears(scene.phone_file(), "hotline-call-back")
    await citizen.hang_up()
    await citizen.ended()
    await citizen.dial("1023")  # again, within minutes
    await citizen.ringing()
    await citizen.hang_up()
    await citizen.ended()
    await citizen.call("1023")  # whoever waits is answered, after a ring
    await scene.hears(scene.phone_file(), "greeting-hotline")
    await away(citizen, scene)
    with scene.station.database.session() as session:
        (owed,) = session.scalars(sa.select(CitizenCall)).all()
    assert (owed.state, owed.outcome, owed.number_locked) == ("done", "answered", "")


async def test_what_is_changed_on_the_panel_the_next_caller_hears(scene: Scene) -> None:
    greeting, menu = "/prompts/vi/greeting-hotline", "/prompts/vi/hotline-menu"
    speech = read_wav(scene.speeches["demo-congrats"])
    with scene.station.database.session() as session:
        number = session.scalars(sa.select(Number.id).where(Number.number == "1022")).one()
    recording = await asyncio.to_thread(scene.speeches["demo-congrats"].read_bytes)
    base = {"number": "1022", "flow": "hotline", "unit": "CB", "duty_phone": DUTY_DESK, "duty_hours": ""}
    local = now().astimezone(ZoneInfo("Asia/Ho_Chi_Minh"))
    begins, ends = (f"{local + datetime.timedelta(hours=hours):%H:%M}" for hours in (-1, 1))
    route = {
        "route_days": "every",
        "route_from": begins,
        "route_to": ends,
        "route_flow": "duty-desk",
        "route_phone": "",
    }
    async with panel(scene.station) as admin:
        await admin.upload(f"{greeting}/recording", greeting, recording, "chao.wav")
        citizen = await scene.outside(CITIZEN)
        heard = scene.phone_file()
        await citizen.call("1022")
        await until_heard(heard, speech)
        await away(citizen, scene)
        await admin.post(f"{greeting}/built-in", greeting, sure="yes")
        hai = await scene.phone("may-hai")
        heard = scene.phone_file()
        await admin.post(f"{greeting}/call", greeting, phone=HAI)
        await hai.incoming(30)
        await hai.answer()
        await scene.hears(heard, "record-instructions")
        await until(lambda: list((scene.station.settings.home / "spool").rglob("prompt-*")) != [], "recording", 30)
        await hai.play(scene.speeches["demo-instruct"])
        await hai.digits("#")
        await hai.digits("1")
        await scene.hears(heard, "prompt-call-kept")
        await away(hai, scene)
        assert "đã thu" in await admin.get(f"{greeting}/call")
        await admin.post(menu, menu, text="Bấm một hoặc hai, thưa bà con.")
        spoken_by_hai = read_wav(scene.speeches["demo-instruct"])
        citizen = await scene.outside(CITIZEN)
        heard = scene.phone_file()
        await citizen.call("1022")
        await until_heard(heard, spoken_by_hai)
        await scene.hears(heard, "hotline-menu")  # from the other text, as the station has it now
        await away(citizen, scene)
        for changed in (greeting, menu):
            await admin.post(f"{changed}/built-in", changed, sure="yes")
        await admin.post(f"/numbers/{number}/edit", f"/numbers/{number}/edit", **base, **route)
        desk = await scene.phone("ban-truc")
        citizen = await scene.outside(CITIZEN)
        heard = scene.phone_file()
        await citizen.call("1022")  # and presses no key
        await desk.incoming(30)
        await desk.hang_up()
        await scene.hears(heard, "duty-desk-busy")
        assert match(speech, read_wav(heard)).correlation < OTHER
        await away(citizen, scene)
        await desk.stop()
        await admin.post(f"/numbers/{number}/edit", f"/numbers/{number}/edit", **base)


async def test_a_menu_published_at_the_panel_is_heard_by_the_next_caller_until_it_is_taken_back(scene: Scene) -> None:
    changed = read_sketch(delivered_definition("hotline"))
    editing.change_step(changed, "greeting", "greeting", {"prompt": "duty-desk-closed"}, {"next": "main-menu"})
    editing.change_step(
        changed, "main-menu", "main-menu", {"prompt": "hotline-menu"}, {"5": "status", "*": "main-menu"}
    )
    for step in ("language", "commune", "other-commune", "bulletins", "useful", "message", "duty-desk"):
        editing.remove_step(changed, step, "main-menu" if step == "language" else "")

    async def call(greeting: str) -> tuple[SoftPhone, Path]:
        citizen = await scene.outside(CITIZEN)
        heard = scene.phone_file()
        await citizen.call("1022")
        await scene.hears(heard, greeting)
        await scene.hears(heard, "hotline-menu")
        return citizen, heard

    async with panel(scene.station) as admin:
        page = "/flows/hotline/draft/json"
        await admin.post(page, page, definition=changed.text)
        citizen, heard = await call("greeting-hotline")
        page = "/flows/hotline/publish"
        await admin.post(page, page, because="Chỉ còn hỏi kết quả")
        await citizen.digits("3")  # whoever is on the line goes on as it began
        await scene.hears(heard, "ask-case")
        await away(citizen, scene)
        citizen, heard = await call("duty-desk-closed")
        await citizen.digits("3")
        await scene.hears(heard, "wrong-key")
        await citizen.digits("5")
        await scene.hears(heard, "ask-case")
        await away(citizen, scene)
        page = "/flows/hotline/versions/0"
        await admin.post(page, page, because="Bà con cần cả bản tin")
        citizen, heard = await call("greeting-hotline")
        await citizen.digits("3")
        await scene.hears(heard, "ask-case")
        await away(citizen, scene)


async def test_no_number_of_a_citizen_is_anywhere_on_the_disk(scene: Scene) -> None:
    before = len(cases(scene))
    citizen = await scene.outside(UNKNOWN)
    await citizen.call("1022")
    await citizen.digits("20")
    await until(lambda: left_in_spool(scene) != [], "the recording", 30)
    await citizen.play(scene.speeches["demo-congrats"])
    await citizen.digits("#")
    await citizen.digits("4")
    await until(lambda: len(cases(scene)) == before + 1, "the case", 20)
    await away(citizen, scene)
    case = cases(scene)[-1]
    assert case.citizen_id is None
    assert spoken(scene, case, "demo-congrats").correlation > SAME
    with scene.station.database.session() as session:
        assert session.scalars(sa.select(sa.func.count()).select_from(Citizen)).one() == 2
    home = scene.station.settings.home

    def found() -> dict[str, list[str]]:
        ends = [number[3:].encode() for number in (UNKNOWN, CITIZEN, HURRIED, MISSED)]
        files = [file for file in home.rglob("*") if file.is_file()]
        assert len(files) > 50
        held: dict[str, list[str]] = {}
        for file in files:
            with contextlib.suppress(FileNotFoundError):  # what was being made is in its place by now
                content = file.read_bytes()
                held[str(file)] = [end.decode() for end in ends if end in content]
        return {file: numbers for file, numbers in held.items() if numbers}

    assert found() == {}
    await scene.station.stop()
    assert found() == {}
