"""Prompts, routes and flows that are changed at the panel, heard by the next caller."""

import asyncio
import datetime
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from haichieu.audio.sound import read_wav
from haichieu.database import now
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from ivr.calls.routing import Number
from ivr.custom_flows import editor
from ivr.custom_flows.sketch import read_sketch
from ivr.flows.definition import delivered_definition
from tests.station.district import DUTY_DESK, HAI
from tests.station.panel import panel
from tests.station.scene import Scene, until_heard

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

CITIZEN = "+84977000111"
GREETING, MENU = "/prompts/vi/greeting-hotline", "/prompts/vi/hotline-menu"


@pytest.mark.proof
async def test_uploaded_recording_replaces_the_greeting(scene: Scene) -> None:
    recording = await asyncio.to_thread(scene.speeches["demo-congrats"].read_bytes)
    async with panel(scene.station) as admin:
        await admin.upload(f"{GREETING}/recording", GREETING, recording, "chao.wav")
        citizen = await scene.outside(CITIZEN)
        await citizen.call("1022")
        await until_heard(scene.recording(citizen), read_wav(scene.speeches["demo-congrats"]))
        await scene.hang_up(citizen)
        await admin.post(f"{GREETING}/built-in", GREETING, sure="yes")


@pytest.mark.proof
async def test_greeting_recorded_by_phone_and_changed_menu_are_played(scene: Scene) -> None:
    async with panel(scene.station) as admin:
        hai = await scene.phone("may-hai")
        await admin.post(f"{GREETING}/call", GREETING, phone=HAI)
        await hai.incoming(30)
        await hai.answer()
        await until(lambda: scene.spool("prompt") != [], "the recording", 30)
        await hai.play(scene.speeches["demo-instruct"])
        await hai.digits("#")
        await hai.digits("1")
        await scene.hears(hai, "prompt-call-kept")
        await scene.hang_up(hai)
        assert "đã thu" in await admin.get(GREETING)
        await admin.post(f"{MENU}/text", MENU, text="Bấm một hoặc hai, thưa bà con.")
        citizen = await scene.outside(CITIZEN)
        await citizen.call("1022")
        await until_heard(scene.recording(citizen), read_wav(scene.speeches["demo-instruct"]))
        await scene.hears(citizen, "hotline-menu")  # from the other text, as the station has it now
        await scene.hang_up(citizen)
        for changed in (GREETING, MENU):
            await admin.post(f"{changed}/built-in", changed, sure="yes")


@pytest.mark.proof
async def test_route_by_time_of_day_sends_the_call_to_the_duty_desk(scene: Scene) -> None:
    with scene.station.database.session() as session:
        number = session.scalars(sa.select(Number.id).where(Number.number == "1022")).one()
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
        await admin.post(f"/numbers/{number}/edit", f"/numbers/{number}/edit", **base, **route)
        desk, citizen = await scene.phone("ban-truc"), await scene.outside(CITIZEN)
        await citizen.call("1022")  # and presses no key
        await desk.incoming(30)
        await desk.hang_up()
        await scene.hears(citizen, "duty-desk-busy")
        await scene.hang_up(citizen)
        await admin.post(f"/numbers/{number}/edit", f"/numbers/{number}/edit", **base)


@pytest.mark.proof
async def test_published_flow_serves_the_next_call_until_rolled_back(scene: Scene) -> None:
    changed = read_sketch(delivered_definition("hotline"))
    editor.change_step(changed, "greeting", "greeting", {"prompt": "duty-desk-closed"}, {"next": "main-menu"})
    editor.change_step(changed, "main-menu", "main-menu", {"prompt": "hotline-menu"}, {"5": "status", "*": "main-menu"})
    for step in ("language", "commune", "other-commune", "bulletins", "useful", "message", "consent", "duty-desk"):
        editor.remove_step(changed, step, "main-menu" if step == "language" else "")

    async def call(greeting: str) -> SoftPhone:
        citizen = await scene.outside(CITIZEN)
        await citizen.call("1022")
        await scene.hears(citizen, greeting)
        return citizen

    async with panel(scene.station) as admin:
        page = "/flows/hotline/json"
        await admin.post(page, page, definition=changed.text)
        citizen = await call("greeting-hotline")
        page = "/flows/hotline/publish"
        await admin.post(page, page, because="Chỉ còn hỏi kết quả")
        await citizen.digits("3")  # a call that is under way keeps its version
        await scene.hears(citizen, "ask-case")
        await scene.hang_up(citizen)
        citizen = await call("duty-desk-closed")
        await citizen.digits("3")
        await scene.hears(citizen, "wrong-key")
        await citizen.digits("5")
        await scene.hears(citizen, "ask-case")
        await scene.hang_up(citizen)
        page = "/flows/hotline/versions/0"
        await admin.post(page, page, because="Bà con cần cả bản tin")
        citizen = await call("greeting-hotline")
        await citizen.digits("3")
        await scene.hears(citizen, "ask-case")
        await scene.hang_up(citizen)
