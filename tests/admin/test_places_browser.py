"""Speakers, zones, officials and accounts in a real browser: empty, long, hostile, and by keyboard.

`HAICHIEU_TEST_SCREENSHOTS` names a folder to keep pictures in (see `tests.admin.browsing`).
"""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from broadcast_bridge.models import Reachability, Speaker, Zone
from broadcast_bridge.repairs.states import Fault
from haichieu.database import now
from haichieu.people import Account, Official, OfficialPhone, Role, Unit
from ivr.calls.routing import Number
from tests.admin.browsing import HUGE, LAPTOP, PHONE, PROOF, View, follow, look, on_every_view, overfill, sign_in, views
from tests.admin.served import Served
from tests.builders.accounts import PASSWORD
from tests.builders.broadcasts import aired
from tests.builders.house import House
from tests.builders.repairs import repair

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
TURNED = "Loa \u202eđảo chiều مكبر صوت"
MARKS = "Lo\u0323\u0301\u0302\u0303\u0309a Z" + "\u0300\u0301\u0302\u0303\u0308\u030a\u0327\u0328" * 3
ENDLESS = "Nhà-văn-hóa-xóm-Nà-Sài-" * 8
PAGES = (
    "/speakers", "/speakers?q=khongcogi", "/speakers/map", "/speakers/map?q=khongcogi", "/speakers/0/edit",
    "/speakers/1", "/speakers/5", "/speakers/1/edit", "/speakers/import", "/zones", "/zones/0/edit", "/zones/1/edit",
    "/repairs", "/repairs?state=closed", "/repairs/1", "/speakers/slips", "/speakers/slips?unit=khongcogi",
    "/officials", "/officials?q=khongcogi", "/officials/0/edit", "/officials/1/edit", "/officials/import",
    "/accounts", "/accounts/0/edit", "/accounts/2/edit", "/audit?q=khongcogi", "/account", "/set-up", "/station",
    "/station/trunks/0/edit", "/station/alert-sources/0/edit", "/calendar?view=list",
)  # fmt: skip
NOT_ISOLATED = """
() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walk.nextNode()) {
    const holder = walk.currentNode.parentElement;
    if (!walk.currentNode.data.includes("\\u202e")) continue;
    if (holder.closest("option, textarea, svg, .visually-hidden")) continue;
    const alone = holder.closest("bdi, [dir=auto]");
    if (!alone || alone.innerText.includes("onerror")) found.push((alone || holder).outerHTML);
  }
  return found;
}
"""
"""Places where a right-to-left name could reorder the text beside it."""

OVER_ONE_ANOTHER = """
() => {
  const names = [...document.querySelectorAll(".map .name")].map((one) => [one.textContent, one.getBBox()]), found = [];
  for (const [name, a] of names)
    for (const [other, b] of names)
      if (name < other && a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height)
        found.push([name, other]);
  return names.length ? found : ["no names"];
}
"""
WHOLE = """
() => {
  const image = document.querySelector(".qr svg"), drawn = image.getBBox(), shown = image.viewBox.baseVal;
  return drawn.width <= shown.width && drawn.height <= shown.height && image.getBoundingClientRect().width > 150;
}
"""
"""A QR code that is cut off cannot be scanned."""

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def station(station: Served) -> Served:
    """A station with the worst possible names."""
    _name_badly(station.house)
    return station


def _name_badly(house: House) -> None:
    with house.database.session() as session:
        village = session.get_one(Unit, house.units["village"])
        odd = [
            Speaker(
                code=f"loa-{n}", name=name, unit=village, latitude=22.9 + n / 900, longitude=105.6 + n / 700, **more
            )
            for n, (name, more) in enumerate(
                [
                    (SCRIPT, {"multicast": "239.10.20.30:5004"}), (TURNED, {"reachable": True}), (MARKS, {}),
                    (ENDLESS, {}), ("Loa cũ", {"removed_at": now()}),
                ]
            )
        ]  # fmt: skip
        first = session.get_one(Speaker, 1)
        first.latitude, first.longitude, first.password_locked = 22.95, 105.67, ""
        session.add_all([*odd, Unit(code="LA", name=TURNED, level="village", parent_id=house.units["commune"])])
        zones = [
            Zone(code=str(70 + n), name=name, speakers=odd[:4], units=[village])
            for n, name in enumerate((SCRIPT, TURNED, MARKS, ENDLESS))
        ]
        session.add_all(zones)
        for n, name in enumerate((SCRIPT, TURNED, MARKS, ENDLESS)):
            official = Official(
                code=f"10{n}", name=name, title=name, unit=village, pin_hash="x", may=["live"], zones=zones[:]
            )
            official.phones.append(OfficialPhone(number=f"+8491200000{n}"))
            session.add(official)
            session.add(
                Account(email=f"x{n}@x.example", name=name, password_hash="", role=Role.VIEWER, unit_id=village.id)
            )
        session.add(Reachability(speaker=first, reachable=True, since=now()))
        aired(session, {"loa-district": "played", "loa-1": "missed"}, TURNED)
        worst = repair(session, odd[1].id, Fault.UNSAFE, work=ENDLESS, parts=SCRIPT, cost=10**11)
        worst.reports[0].text, worst.reports[0].reported_by = TURNED, "official:101"
        repair(session, odd[3].id, Fault.LOUD, state="closed", closed_at=now(), closed_by="supervision", outcome="done")
        session.add(Number(number="02063999999", flow="fault-line", unit_id=house.units["district"]))


@pytest.mark.proof
@on_every_view
def test_every_page_can_be_read_however_badly_things_are_named(page: Page, view: View) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a name ran as a script: {dialog.message}"))
    sign_in(page)
    for path in PAGES:
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach(one => { one.open = true; })")
        look(page, f"{re.sub('[^a-z0-9]+', '-', path).strip('-')}-{view}")
        assert page.evaluate(NOT_ISOLATED) == [], path
    page.goto("/speakers")
    expect(page.get_by_text(SCRIPT)).to_be_visible()
    page.goto("/speakers/map")
    assert page.evaluate(OVER_ONE_ANOTHER) == []


@pytest.mark.proof
def test_what_forms_answer_with_can_be_read_too_and_loses_no_text(page: Page) -> None:
    sign_in(page)
    for size in (PHONE, LAPTOP) if PROOF else (PHONE,):
        page.set_viewport_size(size)
        wide = f"vi-{size['width']}"
        page.goto("/speakers/0/edit")
        page.get_by_label("Mã", exact=True).fill("có dấu")
        overfill(page, "Tên")
        page.get_by_label("Vĩ độ").fill("hai mươi hai")
        page.get_by_role("button", name="Lưu").click()
        expect(page.locator("#hint-name .problem")).to_contain_text("200")
        expect(page.get_by_label("Tên", exact=True)).to_have_value(HUGE)
        expect(page.get_by_label("Vĩ độ")).to_have_value("hai mươi hai")
        look(page, f"speaker-refused-{wide}")
        for path, label in (("/zones/0/edit", "Tên"), ("/officials/0/edit", "Họ tên"), ("/accounts/0/edit", "Họ tên")):
            page.goto(path)
            for field in page.locator("main input[required]").all():
                field.fill({"email": "a@x.example", "password": PASSWORD}.get(field.get_attribute("type") or "", "77"))
            overfill(page, label)
            page.get_by_role("button", name="Lưu").click()
            expect(page.locator("#hint-name .problem")).to_contain_text("200")
            expect(page.get_by_label(label, exact=True)).to_have_value(HUGE)
            look(page, f"refused-{path.strip('/').replace('/', '-')}-{wide}")
        table = f"id,name,unit\nn-1,{TURNED},VILLAGE\nn-2,,NOWHERE\n" + f"{'x' * 300},{HUGE},VILLAGE\n"
        page.goto("/speakers/import")
        page.locator("#field-table").fill(table)
        page.get_by_role("button", name="Kiểm tra tệp").click()
        expect(page.get_by_text("Dòng 3").first).to_be_visible()
        expect(page.locator("#field-table")).to_have_value(table)
        look(page, f"import-refused-{wide}")
        page.locator("#field-table").fill("id,name,unit\n" + "".join(f"n-{n},Loa {n},VILLAGE\n" for n in range(60)))
        page.get_by_role("button", name="Kiểm tra tệp").click()
        expect(page.get_by_role("button", name="Nhập vào đài")).to_be_visible()
        look(page, f"import-tried-{wide}")
        page.goto("/officials?q=103")
        follow(page, page.get_by_role("link", name="Cấp lại PIN"))
        page.locator("#password-for-pin").fill(PASSWORD)
        page.get_by_role("button", name="Cấp lại PIN").click()
        expect(page.locator("code.pin")).to_be_visible()
        look(page, f"slip-{wide}")
        page.goto("/accounts")
        follow(page, page.get_by_role("listitem").filter(has_text="x3@x.example").get_by_role("link", name="Sửa"))
        page.locator("#password-for-password").fill(PASSWORD)
        page.get_by_role("button", name="Cấp lại mật khẩu").click()
        expect(page.get_by_role("heading", name="Mật khẩu tạm")).to_be_visible()
        look(page, f"password-once-{wide}")


def tab_to(page: Page, wanted: Locator) -> None:
    """Press the tabulator until something is reached."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    pytest.fail(f"the keyboard does not reach {wanted}")


def test_a_speaker_is_added_and_its_account_reached_by_the_keyboard_alone(page: Page, station: Served) -> None:
    sign_in(page, at="/speakers/0/edit")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    for text in ("bp-07", "Loa gác chuông"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    tab_to(page, page.get_by_role("button", name="Lưu"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("chưa từng kết nối", exact=True)).to_be_visible()
    tab_to(page, page.get_by_role("button", name="Thông tin lắp đặt"))
    page.keyboard.press("Space")
    expect(page.locator(".qr svg")).to_be_visible()
    assert page.evaluate(WHOLE)
    for other, view in views(page, station):
        other.goto("/speakers?q=bp-07")
        follow(other, other.get_by_role("link", name="Loa gác chuông"))
        other.get_by_role("button", name=re.compile("Thông tin lắp đặt|Installer details")).click()
        expect(other.locator(".qr svg")).to_be_visible()
        look(other, f"speaker-account-{view}")
