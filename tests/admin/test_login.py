"""Signing in and out: same words for whatever was wrong, locks, time limits, revocation, and text that survives."""

import datetime
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine

from admin.access import sessions
from admin.access.models import WebSession
from admin.access.paths import path_within
from admin.web import create_app
from haichieu.alarms import open_alarms
from haichieu.audit import AuditEntry
from haichieu.database import now
from haichieu.people import Account
from haichieu.phone_sign_in import SignInAttempt
from haichieu.settings import load_settings
from haichieu.vault import hash_secret
from tests.builders.accounts import PASSWORD
from tests.builders.house import House

WHO = "operator@x.example"
WRONG = "Email hoặc mật khẩu không đúng."
LOCKED = "Nhập sai quá nhiều lần"


def acts(house: House) -> list[str]:
    with house.database.session() as session:
        return list(session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def test_in_and_out_leaves_its_trace(house: House) -> None:
    browser = house.browser()
    answer = browser.sign_in(WHO.upper(), next="/emergency")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/emergency")
    assert browser.get("/").status_code == 200
    assert browser.post("/logout", page="/").headers["Location"] == "/login"
    assert browser.get("/").status_code == 303
    assert acts(house) == ["session.login", "session.logout"]


def test_nobody_learns_whether_the_name_or_the_password_was_wrong(house: House) -> None:
    answers = [
        house.browser().sign_in(WHO, password="sai-mat-khau-roi"),
        house.browser().sign_in("khong-co@x.example", password=PASSWORD),
    ]
    texts = {re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}
    assert len(texts) == 1
    assert WRONG in texts.pop()
    assert [answer.status_code for answer in answers] == [401, 401]
    assert acts(house) == ["session.failed", "session.failed"]


def test_five_wrong_passwords_lock_the_account_and_raise_an_alarm(house: House) -> None:
    browser = house.browser()
    for _ in range(5):
        assert WRONG in browser.sign_in(WHO, password="sai").text
    assert LOCKED in browser.sign_in(WHO).text
    assert browser.sign_in("viewer@x.example").status_code == 303
    with house.database.session() as session:
        assert [alarm.subject for alarm in open_alarms(session)] == [f"account:{WHO}"]
    with time_machine.travel(now() + datetime.timedelta(minutes=15, seconds=1)):
        assert house.browser().sign_in(WHO).status_code == 303


def test_an_address_that_tries_many_names_is_locked_despite_a_success(house: House) -> None:
    for number in range(20):
        if number == 10:
            assert house.browser().sign_in("viewer@x.example").status_code == 303
        house.browser().sign_in(f"ten-{number}@x.example", password="sai")
    assert LOCKED in house.browser().sign_in(WHO).text


def test_a_login_ends_when_idle_and_always_after_a_working_day(house: House) -> None:
    begin = now()
    idle, busy = house.signed_in(WHO), house.signed_in(WHO)
    for minutes in range(90, 12 * 60, 90):
        with time_machine.travel(begin + datetime.timedelta(minutes=minutes), tick=False):
            assert busy.get("/account").status_code == 200
    with time_machine.travel(begin + sessions.IDLE + datetime.timedelta(seconds=5), tick=False):
        assert idle.get("/account").status_code == 303
    with time_machine.travel(begin + sessions.ABSOLUTE + datetime.timedelta(seconds=5), tick=False):
        assert busy.get("/account").status_code == 303


def test_signing_in_makes_a_new_login_whatever_the_browser_brought(house: House) -> None:
    browser = house.browser()
    browser.client.set_cookie("haichieu", "chosen-by-an-attacker")
    before = browser.form_token("/login")
    browser.sign_in(WHO)
    cookie = browser.client.get_cookie("haichieu")
    assert cookie is not None
    assert cookie.value != "chosen-by-an-attacker"
    attacker = house.browser()
    attacker.client.set_cookie("haichieu", "chosen-by-an-attacker")
    assert attacker.get("/account").status_code == 303
    answer = browser.client.post("/account/tokens", data={"csrf_token": before, "name": "x"})
    assert answer.status_code == 400  # the forms' token of before the login is void too


def test_another_password_ends_every_login_however_it_came(house: House) -> None:
    browser = house.signed_in(WHO)
    with house.database.session() as session:
        session.query(Account).filter_by(email=WHO).one().password_hash = hash_secret("mat-khau-khac-han")
    assert browser.get("/account").status_code == 303


def test_an_administrator_ends_the_logins_of_another(house: House) -> None:
    victim, admin = house.signed_in(WHO), house.signed_in("admin@x.example")
    with house.database.session() as session:
        number = session.query(Account).filter_by(email=WHO).one().id
    assert admin.post(f"/accounts/{number}/end-logins", page="/accounts").status_code == 303
    assert victim.get("/account").status_code == 303
    assert admin.get("/account").status_code == 200
    assert acts(house) == ["session.revoke"]


def test_what_the_cookie_proves_is_not_in_the_database(house: House) -> None:
    browser = house.signed_in(WHO)
    cookie = browser.client.get_cookie("haichieu")
    assert cookie is not None
    with house.database.session() as session:
        row = session.query(WebSession).one()
        assert cookie.value not in str(vars(row))


def test_over_https_the_cookies_are_bound_to_it(house: House, tmp_path: Path) -> None:
    secure = House(
        house.database,
        create_app(house.database, load_settings(home=tmp_path, public_url="https://loa.example.vn")),
        tmp_path,
    )
    browser = secure.browser()
    browser.client.environ_base["wsgi.url_scheme"] = "https"
    answer = browser.sign_in(WHO)
    cookies = {cookie.split("=")[0]: cookie for cookie in answer.headers.getlist("Set-Cookie")}
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert attribute in cookies["__Host-haichieu"]
    assert answer.headers["Strict-Transport-Security"]
    assert browser.get("/account").status_code == 200


def test_what_was_typed_survives_a_login_that_ran_out(house: House) -> None:
    browser = house.signed_in("operator@x.example")
    token = browser.form_token("/emergency")
    with house.database.session() as session:
        session.query(WebSession).one().ended_at = now()
    late = browser.client.post(
        "/emergency",
        data={"csrf_token": token, "zone": ["12", "13"], "text": "Lũ về, bà con lên cao <b>", "times": "3"},
        headers={"Accept": "text/html", "Referer": "http://localhost/emergency"},
    )
    assert late.status_code == 401
    assert "giữ lại" in late.text
    kept = re.search(r'name="kept" value="([^"]+)"', late.text)
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', late.text)
    assert kept
    assert csrf
    back = browser.client.post(
        "/login",
        data={"csrf_token": csrf[1], "kept": kept[1], "email": "operator@x.example", "password": PASSWORD},
    )
    assert back.headers["Location"] == "/emergency"
    shown = browser.get("/emergency").text
    assert "Lũ về, bà con lên cao &lt;b&gt;" in shown
    assert re.search(r'value="13" checked', shown)
    assert "chưa được gửi" in shown
    assert "Lũ về" not in browser.get("/emergency").text


def test_kept_form_is_not_shown_to_another_user(house: House) -> None:
    browser = house.signed_in("operator@x.example")
    token = browser.form_token("/emergency")
    with house.database.session() as session:
        session.query(WebSession).one().ended_at = now()
    late = browser.client.post(
        "/emergency", data={"csrf_token": token, "text": "của trực ban"},
        headers={"Accept": "text/html", "Referer": "http://localhost/emergency"},
    )  # fmt: skip
    kept = re.search(r'name="kept" value="([^"]+)"', late.text)
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', late.text)
    assert kept
    assert csrf
    browser.client.post(
        "/login", data={"csrf_token": csrf[1], "kept": kept[1], "email": "admin@x.example", "password": PASSWORD}
    )
    assert "của trực ban" not in browser.get("/emergency").text


def test_a_form_of_another_site_is_not_kept_and_not_taken(house: House) -> None:
    stranger = house.browser().client.post(
        "/emergency", data={"text": "giả"}, headers={"Accept": "text/html", "Origin": "https://evil.example"}
    )
    assert stranger.status_code == 401
    assert 'name="kept" value=""' in stranger.text
    signed_in = house.signed_in("operator@x.example").client.post(
        "/emergency", data={"text": "giả", "zone": "12"}, headers={"Accept": "text/html"}
    )
    assert signed_in.status_code == 400


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil.example",
        "\\\\evil.example", "/%0d%0aSet-Cookie:x=1\r\nX: y", "", None, "http:/evil", "///evil.example",
        "/" + "a" * 3000,
    ],
)  # fmt: skip
def test_a_login_leads_to_this_panel_and_nowhere_else(wanted: str | None) -> None:
    assert path_within(wanted) == "/"


def test_a_login_leads_where_one_wanted_to_go() -> None:
    assert path_within("/audit?q=a%20b&before=3") == "/audit?q=a%20b&before=3"


def test_a_partial_request_with_an_expired_login_goes_to_the_login_page(house: House) -> None:
    asked = {"HX-Request": "true", "HX-Current-URL": "http://localhost/emergency?x=1"}
    answer = house.browser().get("/now/board", **asked)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/login?next=%2Femergency")
    answer = house.browser().get("/now/board", **{**asked, "HX-Current-URL": "http://x//evil.example"})
    assert answer.headers["HX-Redirect"] == "/login?next=%2F"


def test_wrong_tries_are_rows_without_what_was_typed(house: House) -> None:
    house.browser().sign_in(WHO, password="bi-mat-go-nham")
    with house.database.session() as session:
        subjects = set(session.scalars(sa.select(SignInAttempt.subject)))
        details = str([(one.subject, one.detail) for one in session.scalars(sa.select(AuditEntry))])
    assert subjects == {f"account:{WHO}", "address:127.0.0.1"}
    assert "bi-mat" not in details
