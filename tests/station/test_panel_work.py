"""The work of each role at the panel, in a real browser, judged by what phones and loudspeakers hear."""

import asyncio
import datetime
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
import sqlalchemy as sa
from playwright.async_api import Browser, Page, async_playwright, expect

from broadcast_bridge.schedule.models import Occurrence, Schedule
from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.citizens.registry import open_citizens
from feedback.models import Case
from feedback.states import Channel, Direction
from haichieu.audio.sound import read_wav
from haichieu.audio.tones import level_tone
from haichieu.database import now
from haichieu.demo.soft_speaker import SoftSpeaker
from haichieu.demo.trial_station import until
from haichieu.people import Account, Role, Unit
from haichieu.vault import hash_secret
from ivr.calls.routing import Number
from tests.admin.browsing import program_and_flags
from tests.builders.accounts import PASSWORD
from tests.station import district, on_air
from tests.station.scene import SAME, Scene, until_heard

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

CITIZEN = "+84987654321"
MENU = "menu"
"""An administrator of Cô Ba, whose numbers here are all that lead to the hotline."""
ANSWER = "Xã đã cử người đến sửa cầu treo. Ba ngày nữa bà con đi lại được bình thường."
REASON = "Ghi rõ giờ họp và nơi họp rồi gửi lại."
LISTEN_IN = "() => { const make = URL.createObjectURL; URL.createObjectURL = (one) => make(window.heard = one); }"
HEARD = "async () => Array.from(new Uint8Array(await window.heard.arrayBuffer()))"
"""What a page plays, byte by byte."""
AHEAD = datetime.timedelta(minutes=10)
"""How far ahead the editor plans; `make_due` moves it, since people plan whole minutes."""


@dataclass
class Office:
    """The station, and the browser of the people who run it."""

    scene: Scene
    browser: Browser

    @asynccontextmanager
    async def at_work(self, who: str) -> AsyncIterator[Page]:
        """The panel with a signed-in account of this role or name."""
        port = self.scene.station.settings.web_port
        context = await self.browser.new_context(base_url=f"http://127.0.0.1:{port}", locale="vi-VN")
        page = await context.new_page()
        await page.goto("/login")
        await page.get_by_label("Email").fill(f"{who}@x.example")
        await page.get_by_label("Mật khẩu").fill(PASSWORD)
        await page.get_by_role("button", name="Đăng nhập").click()
        await expect(page.locator(".places")).to_be_visible()
        yield page
        await context.close()


@dataclass(frozen=True)
class Planned:
    """A schedule that the editor and the approver made, and what the pages said of it."""

    schedule_id: int
    reason_seen: str
    in_the_week: bool


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """One account of each role in Cô Ba (the administrator's in Lũng Pán), and one browser."""
    with scene.station.database.session() as session:
        units = {unit.code: unit.id for unit in session.scalars(sa.select(Unit))}
        for number in session.scalars(sa.select(Number).where(Number.flow == "hotline")):
            number.unit_id = units["CB"]
        secret = hash_secret(PASSWORD)
        for name, role in (*((role, role) for role in Role), (MENU, Role.ADMIN)):
            unit_id = units["LP" if name == Role.ADMIN else "CB"]
            session.add(Account(email=f"{name}@x.example", name=name, password_hash=secret, role=role, unit_id=unit_id))
    program, flags = program_and_flags(tmp_path_factory.mktemp("browser"))
    flags = [*flags, "--autoplay-policy=no-user-gesture-required"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=flags)
        expect.set_options(timeout=20_000)
        yield Office(scene, browser)
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def planned(office: Office) -> Planned:
    """A file goes up, another programme comes back with a reason, the file is approved and put into the calendar."""
    async with office.at_work(Role.EDITOR) as editor, office.at_work(Role.APPROVER) as approver:
        uploaded = await upload(editor, office.scene.speeches["demo-congrats"])
        written = await write(editor)
        await approver.goto(written)
        await approver.get_by_label("Lý do").fill(REASON)
        async with approver.expect_navigation():
            await approver.get_by_role("button", name="Trả lại").click()
        await approver.goto(uploaded)
        await approver.get_by_role("button", name="Duyệt", exact=True).click()
        await expect(approver.get_by_text("đã duyệt", exact=True)).to_be_visible()
        await editor.goto(written)
        reason = await editor.locator(".alert-warning").inner_text()
        await editor.goto(uploaded)
        schedule_id, in_the_week = await plan(editor)
        return Planned(schedule_id, reason, in_the_week)


async def upload(page: Page, speech: Path) -> str:
    """Send a file and hand it to the approvers; return its page."""
    await page.goto("/programmes/0/edit")
    form = page.locator("form[data-upload]")
    await form.get_by_label("Tiêu đề").fill("Bản tin nông vụ")
    await form.get_by_label("Tệp âm thanh").set_input_files(speech)
    await form.get_by_role("button", name="Gửi lên").click()
    await expect(page.get_by_text("Đã thêm chương trình.")).to_be_visible()
    await page.get_by_role("button", name="Gửi duyệt").click()
    await expect(page.get_by_text("chờ duyệt")).to_be_visible()
    return page.url


async def write(page: Page) -> str:
    """Write a text, hear it, and hand it to the approvers; return its page."""
    await page.goto("/programmes/0/edit")
    form = page.locator("form", has=page.locator("#field-text"))
    await form.get_by_label("Tiêu đề").fill("Thông báo họp thôn")
    await form.locator("#field-text").fill("Mời bà con đến họp thôn.")
    await form.locator("[data-hear]").click()
    await expect(form.locator("audio")).to_be_visible()
    await form.locator("button[value=submit]").click()
    await expect(page.get_by_text("chờ duyệt")).to_be_visible()
    return page.url


async def plan(page: Page) -> tuple[int, bool]:
    """Schedule the programme of the page; return the schedule's id, and whether the week shows it."""
    await page.get_by_role("link", name="Đặt lịch").click()
    await page.get_by_label("Tên lịch phát").fill("Tin sáng")
    zone = page.locator("label").filter(has=page.get_by_text("Cô Ba", exact=True))
    await zone.get_by_role("checkbox").check()
    soon = now().astimezone(ZoneInfo("Asia/Ho_Chi_Minh")) + AHEAD
    await page.get_by_label("Ngày (đầu tiên)").fill(soon.date().isoformat())
    await page.get_by_label("Giờ", exact=True).fill(f"{soon:%H:%M}")
    await page.get_by_role("button", name="Lưu").click()
    await expect(page.get_by_text("Tin sáng")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"/calendar/schedules/\d+$"))
    number = int(page.url.rpartition("/")[2])
    await page.goto(f"/calendar?day={soon.date()}")
    return number, await page.get_by_role("link", name="Tin sáng", exact=True).first.is_visible()


@pytest.mark.proof
async def test_editor_reads_why_a_programme_was_returned(planned: Planned) -> None:
    assert REASON in planned.reason_seen
    assert planned.in_the_week


@pytest.mark.proof
async def test_citizen_hears_the_answer_an_operator_previewed(office: Office) -> None:
    scene = office.scene
    with scene.station.database.session() as session:
        citizen = open_citizens(scene.station.settings.home).meet(session, CITIZEN, now())
        unit = session.scalars(sa.select(Unit.id).where(Unit.code == "CB")).one()
        said = Said(Direction.IN, Channel.TEXT, "citizen", "Cầu treo ở thôn hỏng hai tháng nay.")
        case_id = open_case(session, Opening(Channel.TEXT, unit, "number", citizen), said, now()).id
    phone, previewed = await scene.phone("may-la"), scene.folder / "preview.wav"
    async with office.at_work(Role.OPERATOR) as page:
        await page.goto("/cases")
        await page.locator("[data-inbox] a").first.click()
        await page.locator("#field-answer").fill(ANSWER)
        await page.get_by_role("checkbox", name="Gọi điện").check()
        await page.get_by_role("button", name="Xem trước").click()
        await expect(page.locator("[data-hear] button")).to_be_visible()
        await page.evaluate(LISTEN_IN)
        await page.get_by_role("button", name="Nghe thử").click()
        await expect(page.locator(".hear audio")).to_be_visible()
        previewed.write_bytes(bytes(await page.evaluate(HEARD)))
        await page.locator("[name=step][value=send]").click()
        await expect(page.get_by_text("Đã trả lời.")).to_be_visible()
        await phone.incoming(40)
        await phone.answer()
        await scene.hears(phone, "answer-greeting")
        await phone.digits("1")
        await until_heard(scene.recording(phone), read_wav(previewed))
        await until(lambda: states(scene, case_id)["call"] == "heard", "heard")
        await scene.hang_up(phone)
        await page.reload()
        await expect(page.locator(".message-out .reply").last).to_contain_text("đã nghe")


def states(scene: Scene, case_id: int) -> dict[str, str]:
    """The state of the last answer by each of its ways."""
    with scene.station.database.session() as session:
        return {one.way: one.state for one in session.get_one(Case, case_id).messages[-1].replies}


@pytest.mark.proof
async def test_added_speaker_registers_and_plays_the_test_tone(office: Office) -> None:
    scene = office.scene
    async with office.at_work(Role.ADMIN) as page:
        await page.goto("/speakers/0/edit")
        await page.get_by_label("Mã", exact=True).fill("nv-01")
        await page.get_by_label("Tên", exact=True).fill("Loa nhà văn hóa")
        await page.get_by_label("Đơn vị").select_option("LP")
        await page.get_by_role("button", name="Lưu").click()
        await expect(page.locator(".state-never_seen, .state-away").first).to_be_visible()
        shown = page.url
        await page.get_by_role("button", name="Thông tin lắp đặt").click()
        await expect(page.locator(".qr svg")).to_be_visible()
        server, name, password = [await code.inner_text() for code in await page.locator("dl code").all()]
        record = scene.heard_file(name)
        async with SoftSpeaker(server=server, id=name, password=password, record=record, bind="127.0.0.1"):
            await page.goto(shown)
            await expect(page.locator(".state-reachable").first).to_have_text("kết nối")
            await page.get_by_role("button", name="Phát âm thử").click()
            await expect(page.get_by_text("Loa đang phát thử, nghe trong 3 giây.")).to_be_visible()
            await expect(page.locator(".state-played")).to_be_visible()
            await until_heard(record, level_tone())
        await scene.ended()


async def test_published_flow_is_heard_by_the_next_caller(office: Office) -> None:
    scene = office.scene

    async def hears(greeting: str) -> None:
        phone = await scene.phone("may-la")
        await phone.call("1022")
        await scene.hears(phone, greeting)
        await scene.hang_up(phone)

    async with office.at_work(MENU) as page:
        await page.goto("/flows/hotline/draft/greeting")
        await page.get_by_label("Câu thoại").select_option("duty-desk-closed")
        await page.get_by_role("button", name="Lưu", exact=True).click()
        await expect(page.get_by_text("Không có chỗ sai")).to_be_visible()
        await hears("greeting-hotline")
        await page.goto("/flows/hotline/publish")
        await page.get_by_label("Lý do thay đổi").fill("Lời chào khác")
        await page.get_by_role("button", name="Áp dụng").click()
        await expect(page.get_by_text("Từ cuộc gọi kế tiếp, đài theo bản 1.")).to_be_visible()
        await hears("duty-desk-closed")
        await page.get_by_role("link", name="Bản 0").click()
        await page.get_by_label("Lý do thay đổi").fill("Trở lại như cũ")
        await page.get_by_role("button", name="Quay lại bản 0").click()
        await expect(page.get_by_text("nay là bản 2")).to_be_visible()
        await hears("greeting-hotline")


def make_due(scene: Scene, schedule_id: int) -> None:
    """Move a schedule and its occurrence to the next second but one."""
    due = now().replace(microsecond=0) + datetime.timedelta(seconds=2)
    with scene.station.database.session() as session:
        schedule = session.get_one(Schedule, schedule_id)
        schedule.starts = due.astimezone(ZoneInfo(schedule.timezone)).replace(tzinfo=None)
        moved = sa.update(Occurrence).where(Occurrence.schedule_id == schedule_id)
        session.execute(moved.values(due_at=due, prepare_at=due))


@pytest.mark.proof
async def test_scheduled_programme_is_on_the_speakers_on_time(office: Office, planned: Planned) -> None:
    scene, database = office.scene, office.scene.station.database
    make_due(scene, planned.schedule_id)
    await until(lambda: on_air.occurrence(database, planned.schedule_id)[0] == "aired", "the schedule is aired", 60)
    aired = scene.broadcast(on_air.occurrence(database, planned.schedule_id)[2] or 0)
    with database.session() as session:
        due = session.get_one(Schedule, planned.schedule_id).starts
    for code in ("cb-1", "cb-2"):
        assert aired.deliveries[code].state == "played", aired
        assert scene.heard(code, "demo-congrats").correlation > SAME
    async with office.at_work(Role.VIEWER) as page:
        await page.goto(f"/broadcasts/{aired.id}")
        await expect(page.get_by_role("row", name=re.compile("Loa cb-1"))).to_contain_text("đã phát")
        await expect(page.locator(".facts")).to_contain_text(f"{due:%H:%M}")


async def test_first_page_shows_the_speaker_and_stops_the_broadcast(office: Office) -> None:
    scene = office.scene
    scene.forget()
    official = await scene.phone("may-hai")
    async with office.at_work(Role.OPERATOR) as page:
        await expect(page.get_by_text("Không có buổi phát nào.")).to_be_visible()
        await scene.go_live(official, f"{district.PINS[district.HAI]}#", "1", "11#", "1")
        playing = asyncio.create_task(official.play(scene.speeches["demo-instruct"]))
        await expect(page.get_by_text("Nông Văn Hải").first).to_be_visible()
        await until(lambda: scene.heard("cb-2", "demo-instruct").correlation > SAME, "heard", 30)
        await playing
        await page.get_by_role("link", name="Dừng Nông Văn Hải").click()
        await page.get_by_role("button", name="Dừng ngay").click()
        aired = await scene.ended()
        await expect(page.get_by_text("Không có buổi phát nào.")).to_be_visible()
    await scene.hang_up(official)
    assert (aired.state, aired.reason, aired.deliveries["cb-2"].state) == ("ended", "stopped", "played"), aired
    await scene.quiet()
