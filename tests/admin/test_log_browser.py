"""The log and the reports in a real browser: axe, a phone's width, and on paper.

Every page is looked at with something on it, one name too long and nothing left out.
"""

import os
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.duties.duty_certificates import ACTION, certify, code_of
from broadcast_bridge.duties.models import Duty
from broadcast_bridge.programmes.models import Programme
from haichieu.audit import AuditEntry
from haichieu.people import Account
from tests.admin.browsing import View, follow, look, on_every_view, sign_in
from tests.admin.served import Served
from tests.builders.broadcasts import aired, something_of_everything
from tests.builders.duties import heard_everywhere
from tests.builders.in_unit import duty

LONG = "Nguyễn-Thị-Bích-Ngọc-" * 8

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def station(station: Served) -> Served:
    """A station whose log and reports hold something, the broadcast with proof being number 1."""
    with station.house.database.session() as session:
        something_of_everything(session, station.house.units)
        aired(session, {"loa-commune": "played", "loa-other": "caught_up"}, LONG, priority=Priority.EMERGENCY)
        session.query(Account).update({"language": ""})
    number = duty(station.house, "commune")
    with station.house.database.session() as session:
        one = session.get_one(Duty, number)
        one.programme_id, one.title = session.scalars(sa.select(Programme.id)).first(), "Danh sách hộ nghèo " + LONG
    heard_everywhere(station.house, 1)
    with station.house.database.session() as session:
        certify(session, session.get_one(Duty, 1), station.house.units["commune"], "account:" + LONG)
    duty(station.house, "commune")
    return station


def certificate(station: Served) -> str:
    """The address of the certificate that was issued."""
    with station.house.database.reading() as session:
        entry = session.scalars(sa.select(AuditEntry.id).where(AuditEntry.action == ACTION)).one()
        return f"/duties?certificate={code_of(session, entry)}"


@pytest.mark.proof
@on_every_view
def test_every_page_can_be_read_by_everybody(page: Page, station: Served, view: View) -> None:
    sign_in(page)
    pages = {
        "broadcast-log": "/broadcasts", "broadcast": "/broadcasts/1", "broadcast-again": "/broadcasts/1/again",
        "broadcast-log-empty": "/broadcasts?q=khong+co", "reports": "/reports",
        "reports-empty": "/reports?since=2020-01-01&until=2020-01-31", "reports-page": "/reports?view=page",
        "duties": "/duties", "duties-empty": "/duties?quarter=2021-1", "duty": "/duties/1", "duty-open": "/duties/2",
        "certificate": certificate(station),
    }  # fmt: skip
    for name, path in pages.items():
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == view.language
        look(page, f"{name}-{view}")


def test_filters_are_in_the_address_and_survive_the_way_back(page: Page) -> None:
    sign_in(page, at="/broadcasts")
    page.get_by_label("Tiêu đề, người nói hoặc khu vực").fill("nong vu")
    follow(page, page.get_by_role("button", name="Lọc"))
    assert "q=nong+vu" in page.url
    expect(page.get_by_role("link", name="Nông vụ tháng Mười một")).to_be_visible()
    expect(page.get_by_text(LONG[:20])).to_have_count(0)
    follow(page, page.get_by_role("link", name="Nông vụ tháng Mười một"))
    expect(page.get_by_text("cụm loa chưa kết nối về đài").first).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Tiêu đề, người nói hoặc khu vực")).to_have_value("nong vu")


@pytest.mark.parametrize("path", ["/broadcasts/1", "/reports", "/reports?view=page", "/duties", "certificate"])
def test_printed_pages_have_tables_and_no_controls(page: Page, path: str, tmp_path: Path, station: Served) -> None:
    path = certificate(station) if path == "certificate" else path
    sign_in(page, at=path)
    page.emulate_media(media="print")
    if path == "/broadcasts/1":
        expect(page.get_by_text("đã nghe; không nghe được: Đơn vị village (Đơn vị commune)")).to_be_visible()
        expect(page.get_by_role("heading", name="Đơn vị commune")).to_be_visible()
        expect(page.get_by_role("table")).to_have_count(0)
    else:
        expect(page.get_by_role("table").first).to_be_visible()
    if "certificate" not in path:
        expect(page.get_by_text("In lúc")).to_be_visible()
    expect(page.locator("nav:visible")).to_have_count(0)
    assert page.locator(".buttons:visible, .filters:visible, audio:visible").count() == 0
    if "view" not in path:
        assert page.locator(".scroll").first.evaluate("one => getComputedStyle(one).overflowX") == "visible"
    page.pdf(path=str(tmp_path / "page.pdf"), format="A4")
    assert (tmp_path / "page.pdf").stat().st_size > 5000
    assert len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "page.pdf").read_bytes())) == 1
    if folder := os.environ.get("HAICHIEU_TEST_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/print-{path.strip('/').partition('/')[0]}.png", full_page=True)
