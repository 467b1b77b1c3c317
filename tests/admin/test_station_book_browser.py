"""The station book in a browser: on a phone, without a horizontal bar, as axe accepts it, and used by keyboard only."""

import datetime
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from broadcast_bridge.station_book.models import BookBudget, BookCourse, BookNeed, BookPlan, BookStation
from tests.admin.browsing import View, follow, look, on_every_view, sign_in
from tests.admin.served import Served
from tests.builders.house import House
from tests.builders.in_unit import device

pytestmark = pytest.mark.timeout(240)
YEAR = 2028
LONG = "Chuyển đổi đài truyền thanh vô tuyến sang ứng dụng công nghệ thông tin - viễn thông tại các xóm vùng cao"
A4_PIXELS = round((210 - 30 - 15) / 25.4 * 96)
"""Width of the text: 210 mm less the margins of the form."""


def fill_book(house: House) -> None:
    """A book with long names, large sums and more entries than fit on one page."""
    unit = {"unit_id": house.units["commune"]}
    with house.database.session() as session:
        for number in range(30):
            session.add(
                BookPlan(
                    **unit, year=YEAR, work=f"{LONG} {number}", plan_kind="new", plan_state="approved",
                    cost=1_234_567_890, fund="donors",
                )
            )  # fmt: skip
        for fund in ("central", "local", "donors"):
            session.add(
                BookBudget(
                    **unit, year=YEAR, fund=fund, purpose="stations", planned=98_765_432_100, allocated=87_654_321_000,
                    spent=76_543_210_000,
                )
            )  # fmt: skip
        session.add(BookStation(**unit, code="D-1", name=LONG, technology="fm", condition="broken"))
        session.add(BookNeed(**unit, year=YEAR, topic=LONG, audience="broadcasters", people=12))
        session.add(BookCourse(**unit, code="L-1", name=LONG, starts_on=datetime.date(YEAR, 5, 4)))


def test_plan_fits_on_a4_with_its_signatures(page: Page, station: Served, tmp_path: Path) -> None:
    fill_book(station.house)
    page.set_viewport_size({"width": A4_PIXELS, "height": 1000})
    sign_in(page, at=f"/book?year={YEAR}&as=plan")
    page.emulate_media(media="print")
    expect(
        page.get_by_role("heading", name=f"Thiết lập, duy trì hệ thống truyền thanh cơ sở năm {YEAR}")
    ).to_be_visible()
    headings = page.get_by_role("heading", level=2).all_inner_texts()
    assert [one.partition(".")[0] for one in headings] == ["I", "II", "III", "IV", "V", "VI"]
    wide = page.locator(".official-form").evaluate(
        "form => [...form.querySelectorAll('*')].filter("
        "one => one.getBoundingClientRect().right > form.getBoundingClientRect().right + 1).length"
    )
    total = page.locator("tfoot").first.evaluate("foot => getComputedStyle(foot).display")
    assert total == "table-row-group", "a footer of a table is printed on each of its pages"
    assert (wide, page.evaluate("document.documentElement.scrollWidth <= innerWidth")) == (0, True)
    assert page.locator(".official-form tr").first.evaluate("row => getComputedStyle(row).display") == "table-row"
    for words in ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "NGƯỜI LẬP", "TM. ỦY BAN NHÂN DÂN", "Nơi nhận:"):
        expect(page.get_by_text(words)).to_be_visible()
    assert page.locator(".official-signatures").evaluate("one => getComputedStyle(one).breakInside") == "avoid"
    assert page.locator(".buttons:visible, nav:visible").count() == 0
    paper = page.pdf(path=str(tmp_path / "plan.pdf"), prefer_css_page_size=True)
    sizes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", paper)
    assert len(sizes) > 1
    assert {(round(float(width)), round(float(height))) for width, height in sizes} == {(595, 842)}


@pytest.fixture(scope="module")
def number(station: Served) -> int:
    """A device with a long code and name."""
    return device(station.house, "commune", code="TB-" + "0123456789" * 3, name="Cụm loa Nà Sài-" * 12, serial="007")


@pytest.mark.proof
@on_every_view
def test_every_page_of_the_book_can_be_read(page: Page, number: int, view: View) -> None:
    sign_in(page)
    for path in ("", "/devices", "/budget", "/devices/import", "/budget/0", f"/devices/{number}"):
        page.goto(f"/book{path}")
        look(page, f"book{path.replace('/', '-')}-{view}")


@pytest.mark.proof
def test_an_entry_of_the_book_is_made_and_counted(page: Page) -> None:
    sign_in(page)
    page.goto("/book/budget")
    follow(page, page.get_by_role("link", name=re.compile("^Thêm khoản kinh phí")))
    page.get_by_label("Nguồn kinh phí *", exact=True).select_option("donors")
    page.get_by_label("Mục đích chi *", exact=True).select_option("repairs")
    page.get_by_label("Năm *", exact=True).fill("2027")
    page.get_by_label("Đơn vị *", exact=True).select_option("COMMUNE")
    page.get_by_label("Đã chi (đồng)").fill("1.234")
    follow(page, page.get_by_role("button", name="Lưu"))
    expect(page.get_by_text("1500000 (một triệu rưỡi)")).to_be_visible()
    look(page, "book-budget-wrong")
    page.get_by_label("Đã chi (đồng)").fill("1.234.567")
    follow(page, page.get_by_role("button", name="Lưu"))
    expect(page.get_by_role("cell", name="1.234.567")).to_be_visible()
    page.goto("/book?year=2027")
    expect(page.get_by_text("đã chi 1.234.567 đồng")).to_be_visible()
    look(page, "book-report")
