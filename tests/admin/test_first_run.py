"""An empty station: the link lets one administrator in, once, and the steps say what is missing."""

from pathlib import Path

from admin.set_up.first_link import first_link
from admin.web import create_app
from haichieu.database import Database
from haichieu.people import Account
from haichieu.settings import load_settings
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
    assert steps.count("chưa xong") == 5
    number = browser.post("/set-up/number", "/set-up", number="02063888888", flow="official-line", unit="BAO-LAC")
    assert number.status_code == 303
    assert browser.get("/set-up").text.count("chưa xong") == 4
    assert 'href="/set-up"' in browser.get("/").text
    with database.session() as session:
        assert session.query(Account).one().role == "admin"


def test_a_station_with_accounts_has_no_first_run(house: House, tmp_path: Path) -> None:
    link = first_link(load_settings(home=tmp_path))
    assert house.browser().get("/first-run/" + link.rpartition("/")[2]).status_code == 404
