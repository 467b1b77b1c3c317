"""Cases in a real browser: the inbox by keys, words that light up and can be heard, an answer heard before it goes.

`HAICHIEU_TEST_SCREENSHOTS` names a folder to keep pictures in (see `tests.admin.browsing`).
"""

import datetime
import re
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from feedback.answers.replies import Answer, advance, answer
from feedback.cases import case_search
from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.cases.notes import add_note
from feedback.citizens.registry import open_citizens
from feedback.models import CaseLink, Category, Department, Transcript
from feedback.states import Channel, Direction, ReplyEvent, Way
from haichieu.database import now
from haichieu.locale import message
from tests.admin.browsing import View, follow, look, on_every_view, sign_in
from tests.admin.served import Served
from tests.builders.sounds import kept

HEARD = "cầu treo ở xóm tôi bị hỏng hai tháng nay rồi mà chưa thấy ai sửa"
SECONDS = 0.5
REFUSE_MICROPHONE = """() => {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NotAllowedError"));
}"""
LONG = "Xin-đài-xem-giúp-" * 30

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def station(station: Served) -> Served:
    """A station with a spoken case, a written one that was answered, and a hostile one with a very long word."""
    house = station.house
    with house.database.session() as session:
        works = Department(code="kt", name="Phòng Kinh tế và Hạ tầng")
        roads = Category(code="1", name="Hạ tầng, điện, nước", department=works, answer_within_days=7)
        session.add(roads)
        citizen = open_citizens(house.home).meet(session, "+84912345678", now())
        hours = [now() - datetime.timedelta(hours=hour) for hour in (5, 4, 3, 2, 1)]
        commune = house.units["commune"]
        text = Said(Direction.IN, Channel.TEXT, "citizen", "Mương nước vỡ ở đồng Nà Lùng, xin xã sửa giúp.")
        written = open_case(session, Opening(Channel.TEXT, commune, "number", citizen, roads), text, hours[0])
        given = answer(
            session, written, Answer("account:operator@x.example", [Way.TEXT, Way.CALL], "Mai sửa."), hours[1]
        )
        for event, reason in ((ReplyEvent.BEGIN, None), (ReplyEvent.FAIL, message("call.answer.busy"))):
            advance(session, given.replies[1], event, hours[2], reason)
        odd = Said(Direction.IN, Channel.TEXT, "citizen", f"<b>Điện</b> \u202eyếu {LONG}")
        open_case(session, Opening(Channel.TEXT, commune, "number"), odd, hours[3])
        (file := house.store.folder / "x.wav").parent.mkdir(parents=True, exist_ok=True)
        write_speech(file)
        sound = Said(Direction.IN, Channel.CALL, "citizen", sound=kept(session, house.store, file))
        spoken = open_case(session, Opening(Channel.CALL, commune, "number", citizen, roads), sound, hours[4])
        words = [
            {"w": f" {word}", "s": n * SECONDS, "e": (n + 0.8) * SECONDS, "p": 0.3 if word == "xóm" else 0.9}
            for n, word in enumerate(HEARD.split())
        ]
        session.add(
            Transcript(
                message_id=spoken.messages[0].id, text=HEARD, original_text=HEARD, engine="whisper", model="base",
                language="vi", confidence=0.5, doubtful=True, words=words, made_at=now(),
            )
        )  # fmt: skip
        add_note(session, spoken, "Đã gọi trưởng thôn, đúng là cầu hỏng.", "account:operator@x.example", hours[4])
        session.add(CaseLink(case_id=spoken.id, other_id=written.id, score=0.62))
        for one in (written, spoken):
            case_search.index(session, one)
    return station


def write_speech(file: Path) -> None:
    """Eight seconds of a low hum, as long as the words take."""
    times = np.arange(8000 * 8) / 8000
    with wave.open(str(file), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes((np.sin(times * 220 * 2 * np.pi) * 3000).astype("<i2").tobytes())


def until(page: Page, condition: str) -> None:
    """Wait until the page says so; asked by the debugger, since its policy lets no text become a script."""
    deadline = time.monotonic() + 60
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(50)


def open_spoken(page: Page) -> None:
    page.goto("/cases?tab=all&channel=call")
    follow(page, page.locator("[data-inbox] a").first)
    expect(page.locator(".word").first).to_be_visible()


@pytest.mark.proof
@on_every_view
def test_cases_can_be_read_and_reached_by_everybody(page: Page, view: View) -> None:
    sign_in(page, "operator@x.example")
    page.goto("/cases")
    page.locator("[data-keys] summary").click()
    page.locator("details:has([value=enter]) > summary").click()
    look(page, f"cases-{view}")
    page.goto("/cases?q=khongcogi")
    look(page, f"cases-empty-{view}")
    open_spoken(page)
    page.evaluate("document.querySelectorAll('main details').forEach(one => { one.open = true; })")
    look(page, f"case-{view}")
    page.goto("/cases?status=answered")
    follow(page, page.locator("[data-inbox] a").first)
    look(page, f"case-answered-{view}")
    page.goto("/cases?status=new")
    follow(page, page.locator("[data-inbox] a").last)
    look(page, f"case-anonymous-{view}")
    open_spoken(page)
    page.locator("#field-answer").fill("Xã đã cử người đến sửa cầu, ba ngày nữa xong.")
    for box in page.locator("form:has(#field-answer) input[name=way]").all():
        box.check()
    page.get_by_role("button", name=re.compile("^Xem trước|^Preview")).click()
    expect(page.locator("#preview dl")).to_be_visible()
    look(page, f"case-answer-{view}")


def test_visitor_of_the_office_is_served_from_the_pages_alone(page: Page) -> None:
    sign_in(page, "admin@x.example", "/cases")
    page.get_by_text("Ghi phản ánh của người đến trực tiếp").click()
    page.get_by_label("Nơi xảy ra").select_option(index=1)
    page.get_by_label("Đưa vào sổ chính thức").check()
    page.get_by_label("Nội dung phản ánh").fill("Cầu treo Nà Ca hỏng ván, trâu bò không qua được.")
    page.get_by_role("button", name="Ghi phản ánh", exact=True).click()
    expect(page.get_by_text("Thiếu họ và tên")).to_be_visible()
    look(page, "case-visit-refused-vi")
    page.get_by_label("Họ và tên").fill("Bế Thị Lan")
    page.get_by_label("Địa chỉ").fill("Xóm Nà Ca, xã Cô Ba")
    page.get_by_label("Số điện thoại", exact=True).fill("0912 000 111")
    page.get_by_role("button", name="Ghi phản ánh", exact=True).click()
    expect(page.get_by_text("Hãy đưa mã số này cho người dân")).to_be_visible()
    page.get_by_label("Cơ quan có thẩm quyền").fill("UBND xã")
    page.get_by_role("button", name="Ghi đã chuyển").click()
    page.get_by_label("Kết quả xử lý").fill("UBND xã đã thay ván cầu.")
    page.get_by_role("button", name="Ghi kết quả").click()
    page.get_by_text("Ghi sự đồng ý").first.click()
    page.get_by_label("phát câu trả lời trên loa").check()
    page.get_by_label("nói với cán bộ").check()
    page.get_by_role("button", name="Ghi sự đồng ý").click()
    expect(page.get_by_text("không ghi âm", exact=True)).to_be_visible()
    look(page, "case-visit-vi")
    page.goto("/data-requests")
    page.get_by_label("Số điện thoại").fill("0912000111")
    page.get_by_label("Yêu cầu", exact=True).select_option(label="Rút lại sự đồng ý: phát câu trả lời trên loa")
    page.get_by_role("button", name="Ghi yêu cầu").click()
    expect(page.get_by_text("có hiệu lực ngay, các chương trình")).to_be_visible()


def test_the_inbox_is_worked_by_keys_which_can_be_switched_off(page: Page) -> None:
    sign_in(page, "operator@x.example", "/cases?tab=all")
    links = page.locator("[data-inbox] a")
    last = links.count() - 1
    for key, focused in (*(("j", number) for number in range(last + 1)), ("j", last), ("k", last - 1)):
        page.keyboard.press(key)
        expect(links.nth(focused)).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_text("xuống, lên trong danh sách")).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("#field-q")).to_be_focused()
    page.keyboard.type("muong nuoc j")
    expect(page.locator("#field-q")).to_have_value("muong nuoc j")
    page.keyboard.press("Backspace")
    with page.expect_navigation(url=re.compile("q=muong")):  # while it loads, a page has no keys
        page.keyboard.press("Enter")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Mương nước vỡ ở đồng Nà Lùng").first).to_be_visible()
    expect(page.get_by_text("Máy bận.")).to_be_visible()
    page.goto("/cases")
    page.locator("[data-keys] summary").click()
    page.get_by_label("Dùng phím tắt").uncheck()
    page.reload()
    page.keyboard.press("j")
    expect(links.first).not_to_be_focused()


def test_a_click_on_a_word_is_heard_from_there(page: Page) -> None:
    sign_in(page, "operator@x.example")
    open_spoken(page)
    at = "document.querySelector('.message audio').currentTime"
    word = page.locator(".word", has_text="hỏng")
    begins = float(word.get_attribute("data-from") or 0)
    word.click()
    until(page, f"{at} > {begins} && {at} < {begins} + 3")
    assert page.evaluate("!document.querySelector('.message audio').paused")
    expect(page.locator(".word.now")).to_have_count(1)
    until(page, "document.querySelector('.word.now').textContent !== 'hỏng'")
    page.locator(".heard").focus()
    page.keyboard.press("Space")
    until(page, "document.querySelector('.message audio').paused")
    page.keyboard.press("Home")
    until(page, f"{at} < 2")
    page.keyboard.press("ArrowRight")
    until(page, f"{at} >= {SECONDS}")
    expect(page.locator(".word.unsure")).to_have_text("xóm")


def test_a_page_does_not_jump_when_the_outline_of_a_voice_arrives(page: Page) -> None:
    sign_in(page, "operator@x.example")
    held: list[Route] = []
    page.route("**/peaks", lambda route: held.append(route))
    with page.expect_request("**/peaks"):
        open_spoken(page)
    player = page.locator(".message audio").first
    before = player.bounding_box()
    for one in held:
        one.continue_()
    expect(page.locator("canvas.wave").first).to_have_attribute("data-drawn", "240")
    assert player.bounding_box() == before


def test_a_voice_has_its_outline_and_an_answer_is_spoken_into_the_browser(page: Page) -> None:
    sign_in(page, "operator@x.example")
    open_spoken(page)
    expect(page.locator("canvas.wave").first).to_have_attribute("data-drawn", "240")
    page.locator("canvas.wave").first.click()
    until(page, "document.querySelector('.message audio').currentTime > 3")
    page.get_by_text("Trả lời bằng tiếng nói").click()
    look(page, "case-spoken-answer-vi")
    record, send = (
        page.get_by_role("button", name="Bắt đầu thu"),
        page.get_by_role("button", name="Gửi câu trả lời này"),
    )
    page.evaluate(REFUSE_MICROPHONE)
    record.click()
    expect(page.get_by_text("Trình duyệt không cho dùng micrô")).to_be_visible()
    send.click()
    expect(page.get_by_text("Chưa chọn tệp hoặc thu âm.")).to_be_visible()
    page.evaluate("() => { delete navigator.mediaDevices.getUserMedia; }")
    record.click()
    expect(page.get_by_text("Đang thu âm…")).to_be_visible()
    page.wait_for_timeout(2500)
    page.get_by_role("button", name="Dừng thu").click()
    until(page, "document.querySelector('[data-recorded]').readyState > 0")
    send.click()
    expect(page.get_by_text("Đã trả lời.")).to_be_visible(timeout=60_000)
    expect(page.locator(".message-out audio")).to_have_count(1)
    expect(page.locator(".message-out .reply")).to_contain_text("Gọi điện")


def test_a_register_fits_on_paper(page: Page) -> None:
    sign_in(page, "operator@x.example")
    page.goto(f"/reports/registers?kind=informal&since={(now() - datetime.timedelta(days=1)).date()}")
    expect(page.locator(".register table")).to_be_visible()
    page.set_viewport_size({"width": 1047, "height": 800})  # A4 across, without its margins
    page.emulate_media(media="print")
    widths = page.evaluate("[document.querySelector('.register table').scrollWidth, document.body.clientWidth]")
    assert widths[0] <= widths[1]


def test_a_case_is_left_without_a_question_unless_something_was_typed(page: Page) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    sign_in(page, "operator@x.example")
    open_spoken(page)
    page.locator("body").click()  # a browser asks only after the page was used
    follow(page, page.locator("a[href='/cases']").first)
    assert asked == []
    open_spoken(page)
    page.locator("[data-typed] textarea").first.fill("Mai xã sửa")
    follow(page, page.locator("a[href='/cases']").first)
    assert asked == ["beforeunload"]


def test_a_transcript_is_corrected_and_an_answer_previewed(page: Page) -> None:
    sign_in(page, "operator@x.example")
    open_spoken(page)
    page.get_by_text("Sửa bản chữ", exact=True).click()
    page.get_by_label("Lời người dân nói").fill("Cầu treo Nà Lùng hỏng hai tháng nay")
    page.get_by_role("button", name="Lưu bản chữ").click()
    expect(page.get_by_text("Đã lưu bản chữ.")).to_be_visible()
    expect(page.locator("[data-transcript]")).to_have_text("Cầu treo Nà Lùng hỏng hai tháng nay")
    page.get_by_role("button", name="Đã xử lý xong").click()
    expect(page.locator("#field-answer")).to_have_value(re.compile("đã được xử lý xong"))
    page.get_by_role("checkbox", name="Gọi điện").check()
    page.get_by_role("button", name="Xem trước").click()
    page.get_by_role("button", name="Nghe thử").click()
    until(page, "document.querySelector('.hear audio').duration > 2")
    page.get_by_role("button", name="Trả lời", exact=True).click()
    expect(page.get_by_text("Đã trả lời.")).to_be_visible()
    expect(page.locator(".message-out .reply").last).to_contain_text("đang chờ")
