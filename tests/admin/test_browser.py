"""The panel as people use it: Debian's chromium, on an old laptop's screen and on a phone's, against a real server.

axe checks every page for what a user cannot read or reach; the console must stay silent, which a broken
content-security policy or a missing file would not.
"""

import re

import pytest
from playwright.sync_api import Page, Response, expect

from admin.access.models import WebSession
from broadcast_bridge.broadcasts.broadcast_lifecycle import advance
from broadcast_bridge.broadcasts.starting import Request, ask, begin
from broadcast_bridge.broadcasts.states import BroadcastEvent
from broadcast_bridge.models import Broadcast
from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.states import Channel, Direction
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import now
from haichieu.locale import Message
from tests.admin.browsing import View, follow, look, on_every_view, sign_in, sign_in_by_form
from tests.admin.served import Served
from tests.builders.accounts import PASSWORD

LONG = "Nguyễn Thị Bích Ngọc-" * 8
PAGES = ("/", "/announce", "/emergency", "/accounts", "/audit", "/account", "/account/second-factor", "/khong-co")
PAGES += ("/units", "/units/new", "/units/2/merge", "/units/2/split", "/units/3/move")
BUDGET = 150_000

pytestmark = pytest.mark.timeout(240)


def warn(station: Served, subject: str) -> str:
    """Raise an alarm whose text no other test waits for; return the text."""
    text = f"Nguồn {subject} im lặng."
    with station.house.database.session() as session:
        raise_alarm(session, AlarmKind.FEED_SILENT, subject, Message.verbatim(text))
    return text


@pytest.fixture(scope="module")
def station(station: Served) -> Served:
    """A station with something on every page, one name of which is too long."""
    with station.house.database.session() as session:
        raise_alarm(session, AlarmKind.ASTERISK_DOWN, "main", Message.verbatim("Asterisk ngừng."))
        first = Said(Direction.IN, Channel.TEXT, "citizen", "Cầu hỏng")
        open_case(session, Opening(Channel.TEXT, station.house.units["village"], "number"), first, now())
        on_air(session, "Bản tin " + LONG)
    return station


def on_air(session, title: str) -> int:  # type: ignore[no-untyped-def]
    number = ask(session, Request("test", title, [], zone_codes=["12"]), now()).id
    begin(session, number, "main", now())
    advance(session, number, BroadcastEvent.OPEN, now())
    return number


@on_every_view
def test_every_page_can_be_read_and_reached_by_everybody(page: Page, view: View) -> None:
    page.goto("/login")
    look(page, f"login-{view}")
    sign_in_by_form(page)
    for path in PAGES:
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == view.language
        look(page, f"{path.strip('/').replace('/', '-') or 'now'}-{view}")
    page.goto("/")
    follow(page, page.get_by_role("link", name=re.compile("^(Dừng|Stop) ")))
    look(page, f"stop-{view}")
    page.goto("/emergency")
    page.get_by_role("checkbox").first.check()
    page.get_by_label(re.compile("Nội dung được đọc|Message")).fill("Nước lũ đang về. " * 3)
    page.get_by_role("button", name=re.compile("Xem trước|Preview")).click()
    expect(page.get_by_role("button", name=re.compile("Phát ngay|Broadcast now"))).to_be_visible()
    look(page, f"emergency-confirm-{view}")
    page.goto("/announce")
    page.get_by_label(re.compile("Nội dung để đài đọc|Text to read")).fill("Mời bà con đi họp. " * 30)
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name=re.compile("Nghe thử và|Listen and")).click()
    expect(page.get_by_role("button", name=re.compile("Phát ngay|Broadcast now"))).to_be_visible()
    look(page, f"announcement-{view}")
    page.goto("/units/4/rename")
    page.get_by_label(re.compile("Tên mới|New name")).fill("Xã Mới " + LONG)
    page.get_by_role("button", name=re.compile("Xem trước|Preview")).click()
    expect(page.get_by_role("button", name=re.compile("Thực hiện thay đổi|Make the change"))).to_be_visible()
    look(page, f"unit-preview-{view}")


def test_the_first_page_is_small(page: Page) -> None:
    sizes: list[int] = []
    page.on("requestfinished", lambda request: sizes.append(_bytes(request)))
    sign_in(page)
    page.wait_for_timeout(300)
    assert 4 <= len(sizes) <= 20  # the login, the first page and its files, the look that the stream asks for
    assert sum(sizes) < BUDGET


def _bytes(request) -> int:  # type: ignore[no-untyped-def]
    size = request.sizes()
    return int(size["responseBodySize"] + size["responseHeadersSize"])


def test_an_operator_sees_what_happens_without_asking_and_stops_it(page: Page, station: Served) -> None:
    sign_in(page, "operator@x.example")
    with station.house.database.session() as session:
        number = on_air_in_the_village(session)
    expect(page.get_by_role("link", name="Dừng Tin khẩn ở thôn")).to_be_visible(timeout=15_000)
    page.get_by_role("link", name="Dừng Tin khẩn ở thôn").click()
    page.get_by_role("button", name="Dừng ngay").click()
    expect(page.get_by_text("Đã yêu cầu dừng.")).to_be_visible()
    with station.house.database.session() as session:
        assert session.get_one(Broadcast, number).stop_asked_at is not None


def is_live_part(answer: Response) -> bool:
    """Whether the overview has asked for its live part."""
    return "hx-request" in answer.request.headers and not answer.url.endswith("/on-air")


@pytest.mark.proof
def test_the_board_is_not_exchanged_under_a_finger(page: Page, station: Served) -> None:
    with page.expect_response(is_live_part):  # the look that a new stream asks for
        sign_in(page, "operator@district.example")
    stop = page.get_by_role("link", name=re.compile("^Dừng ")).first
    stop.hover()
    page.mouse.down()
    with page.expect_response(is_live_part) as news:
        warning = warn(station, "duoi-ngon-tay")
    news.value.finished()
    stop.evaluate("link => link.addEventListener('click', event => event.preventDefault())")
    expect(page.get_by_text(warning)).to_have_count(0)
    page.mouse.up()
    expect(page.get_by_text(warning).first).to_be_visible()
    page.goto("/")
    stop.hover()
    page.mouse.down()
    with page.expect_response(is_live_part) as news:
        warn(station, "them-mot-tin")
    news.value.finished()
    with page.expect_navigation():
        page.mouse.up()
    expect(page.get_by_role("button", name="Dừng ngay")).to_be_visible()


def on_air_in_the_village(session) -> int:  # type: ignore[no-untyped-def]
    wish = Request("test", "Tin khẩn ở thôn", [], zone_codes=["13"], priority="emergency")  # type: ignore[arg-type]
    number = ask(session, wish, now()).id
    begin(session, number, "main", now())
    advance(session, number, BroadcastEvent.OPEN, now())
    return number


def test_it_is_right_again_after_the_connection_was_lost(page: Page, station: Served) -> None:
    with page.expect_response(is_live_part):  # the look that a new stream asks for
        sign_in(page)
    page.context.set_offline(True)
    warning = warn(station, "nguon-tinh")
    page.wait_for_timeout(500)
    expect(page.get_by_text(warning)).to_have_count(0)
    page.context.set_offline(False)
    expect(page.get_by_text(warning).first).to_be_visible(timeout=40_000)


def test_text_survives_a_login_that_ran_out(page: Page, station: Served) -> None:
    sign_in(page, "operator@x.example", "/emergency")
    page.get_by_label("Khu commune").check()
    page.get_by_label("Nội dung được đọc").fill("Nước lũ đang về, xin lên chỗ cao.")
    with station.house.database.session() as session:
        for login in session.query(WebSession):
            login.ended_at = now()
    page.get_by_role("button", name="Xem trước").click()
    expect(page.get_by_text("được giữ lại")).to_be_visible()
    page.get_by_label("Email").fill("operator@x.example")
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_label("Nội dung được đọc")).to_have_value("Nước lũ đang về, xin lên chỗ cao.")
    expect(page.get_by_label("Khu commune")).to_be_checked()


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    sign_in(page, at="/audit")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Đến nội dung chính")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Người dùng, hành động hoặc đối tượng")).to_be_focused()
    page.keyboard.type("session.login")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=session\.login"))
    expect(page.get_by_role("row").nth(1)).to_contain_text("account:admin@district.example")
