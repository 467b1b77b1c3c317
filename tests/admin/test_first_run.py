"""An empty station: the link lets one administrator in, once, and the steps say what is missing."""

from pathlib import Path

import pytest

from admin.set_up.first_link import first_link
from admin.set_up.progress import Step, missing
from admin.web import create_app
from haichieu.database import Database, now
from haichieu.people import Account, Unit
from haichieu.settings import load_settings
from haichieu.sip.models import Phone
from haichieu.station import Station
from ivr.prompts.custom import CustomPrompt, Origin
from tests.builders.accounts import official
from tests.builders.house import Browser, House

FORM = {
    "unit_name": "Xã Bảo Lạc", "unit": "BAO-LAC", "level": "commune", "name": "Quản trị", "email": "qt@bl.example",
    "password": "ba-con-ech-xanh", "password_again": "ba-con-ech-xanh",
}  # fmt: skip


def test_the_link_makes_one_administrator_and_is_used_up(database: Database, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    browser = Browser(create_app(database, settings).test_client())
    path = "/first-run/" + first_link(settings).rpartition("/")[2]
    file = tmp_path / "secrets" / "first-link"
    assert file.stat().st_mode & 0o777 == 0o600
    assert browser.get("/first-run/guess").status_code == 404
    assert browser.post(path, path, **{**FORM, "password": "short"}).status_code == 422
    assert browser.post(path, path, **{**FORM, "unit": ""}).status_code == 422
    assert browser.post(path, path, **FORM).status_code == 303
    assert not file.exists()
    assert browser.get(path).status_code == 404
    steps = browser.get("/set-up").text
    assert steps.count("chưa xong") == 7
    for way in (
        "/station/phones/0/edit",
        "/station/station/1/edit",
        "/numbers/0/edit?unit=BAO-LAC",
        "/officials/0/edit?unit=BAO-LAC",
    ):
        assert f'href="{way}' in steps
    number = browser.post("/numbers/0/edit", "/set-up", number="02063888888", flow="official-line", unit="BAO-LAC")
    assert number.status_code == 303
    assert browser.get("/set-up").text.count("chưa xong") == 6
    assert 'href="/set-up"' in browser.get("/").text
    with database.session() as session:
        assert session.query(Account).one().role == "admin"


def test_a_station_with_accounts_has_no_first_run(house: House, tmp_path: Path) -> None:
    link = first_link(load_settings(home=tmp_path))
    assert house.browser().get("/first-run/" + link.rpartition("/")[2]).status_code == 404


def test_test_call_rings_known_phones_only_and_one_at_a_time(house: House) -> None:
    with house.database.session() as session:
        commune, other = (session.get_one(Unit, house.units[name]) for name in ("commune", "other"))
        official(session, commune, "1001", "+84912000001")
        official(session, other, "1002", "+84912000002")
        session.add(Phone(code="may-1", name="Bàn trực", password_locked="x", caller_number="+842063870001"))
    admin = house.signed_in("admin@x.example")
    page = admin.get("/set-up").text
    assert "+84912000001" in page
    assert "+84912000002" not in page
    assert "+842063870001" not in page
    for number in ("+84912000002", "+842063870001", "+84977000000", ""):
        assert admin.post("/set-up/test-call", phone=number).status_code == 422
    assert admin.post("/set-up/test-call", phone="+84912000001").status_code == 303
    again = house.signed_in("admin@district.example").post("/set-up/test-call", phone="+842063870001")
    assert again.status_code == 422
    assert "Đang có một cuộc gọi thử" in again.text
    part = admin.get("/set-up?part=trial", **{"HX-Request": "true"}).text
    assert "sắp gọi" in part


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_language_without_prompts_is_a_missing_step(house: House) -> None:
    with house.database.session() as session:
        assert Step.LANGUAGE not in missing(session)
        session.merge(Station(id=1, languages=["tay", "vi"]))
        session.flush()
        assert Step.LANGUAGE in missing(session)
        text = CustomPrompt(
            key="goodbye", language="tay", text="x", origin=Origin.TEXT, changed_by="a", changed_at=now()
        )
        session.add(text)
        session.flush()
        assert Step.LANGUAGE not in missing(session)
