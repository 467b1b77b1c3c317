"""Signing in and out: same words for whatever was wrong, locks, time limits, revocation, and text that survives."""

import datetime
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import pytest
import sqlalchemy as sa
import time_machine
from argon2 import PasswordHasher

from admin.access import sessions, sign_in
from admin.access.errors import LockedOut, WrongPassword
from admin.access.models import WebSession
from admin.access.paths import path_within
from admin.web import create_app
from haichieu import vault
from haichieu.alarms import open_alarms
from haichieu.audit import AuditEntry
from haichieu.database import now
from haichieu.people import Account, Official
from haichieu.settings import load_settings
from haichieu.vault import hash_secret, open_vault
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


def sign_in_from(house: House, address: str, password: str = "sai", email: str = WHO) -> str:
    """Try to sign in from an address with a browser that nobody knows; return the page, empty after a success."""
    browser = house.browser()
    browser.client.environ_base["REMOTE_ADDR"] = address
    answer = browser.sign_in(email, password=password)
    return "" if answer.status_code == 303 else answer.text


def test_five_wrong_passwords_delay_the_next_and_raise_an_alarm(house: House) -> None:
    begin = now()
    browser = house.browser()
    with time_machine.travel(begin, tick=False):
        for _ in range(5):
            assert WRONG in browser.sign_in(WHO, password="sai").text
        assert f"{LOCKED}: xin thử lại sau 1 phút" in browser.sign_in(WHO).text
        assert browser.sign_in("viewer@x.example").status_code == 303
    with house.database.session() as session:
        assert [alarm.subject for alarm in open_alarms(session)] == [f"account:{WHO}"]
    with time_machine.travel(begin + datetime.timedelta(seconds=31)):
        assert house.browser().sign_in(WHO).status_code == 303


def test_each_wrong_password_doubles_the_delay_up_to_a_quarter_of_an_hour(house: House) -> None:
    delays, moment = [], now()
    for number in range(12):
        with time_machine.travel(moment, tick=False):
            assert WRONG in sign_in_from(house, "192.0.2.7")
            if number >= 4:
                refused = re.search(r"sau (\d+) phút", sign_in_from(house, "192.0.2.7", PASSWORD))
                assert refused
                delays.append(int(refused[1]))
        moment += datetime.timedelta(minutes=15, seconds=1)
    assert delays == [1, 1, 2, 4, 8, 15, 15, 15]
    with time_machine.travel(moment, tick=False):
        assert sign_in_from(house, "192.0.2.7", PASSWORD) == ""


def test_one_address_delays_nobody_elsewhere(house: House) -> None:
    for _ in range(30):
        sign_in_from(house, "192.0.2.7")
    assert sign_in_from(house, "192.0.2.8", PASSWORD) == ""


def test_known_browser_signs_in_whatever_strangers_do(house: House) -> None:
    known = house.browser()
    assert known.sign_in(WHO).status_code == 303
    known.post("/logout", page="/")
    for number in range(40):
        sign_in_from(house, f"192.0.2.{number % 8}")
    for _ in range(20):
        sign_in_from(house, "127.0.0.1")
    assert LOCKED in house.browser().sign_in(WHO).text
    assert known.sign_in(WHO).status_code == 303


def test_known_browser_guesses_no_faster_than_others(house: House) -> None:
    known = house.browser()
    known.sign_in(WHO)
    known.post("/logout", page="/")
    for _ in range(5):
        assert WRONG in known.sign_in(WHO, password="sai").text
    assert LOCKED in known.sign_in(WHO).text
    assert house.browser().sign_in(WHO).status_code == 303


def test_browser_is_known_for_its_own_accounts_only(house: House) -> None:
    known = house.browser()
    known.sign_in("viewer@x.example")
    known.post("/logout", page="/")
    for _ in range(5):
        sign_in_from(house, "127.0.0.1")
    assert LOCKED in known.sign_in(WHO).text
    assert known.sign_in("viewer@x.example").status_code == 303


def test_made_up_device_cookie_makes_nobody_known(house: House) -> None:
    forged = house.browser()
    forged.client.set_cookie("haichieu-device", '{"1": "x"}')
    for _ in range(5):
        forged.sign_in(WHO, password="sai")
    assert LOCKED in house.browser().sign_in(WHO).text


@pytest.mark.both_databases
def test_passwords_tried_side_by_side_are_compared_five_times(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(sign_in, "secret_matches", lambda *_: bool(compared.append(1)))
    service = sign_in.PanelSignIn(house.database, open_vault(house.home))

    def tried(number: int) -> object:
        return type(service.check_password(WHO, f"sai-{number}", sign_in.Origin("192.0.2.7"), now()))

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(tried, range(28)))
    assert Counter(answers) == {WrongPassword: 5, LockedOut: 23}
    assert len(compared) == 5


def test_administrator_unlocks_an_account(house: House) -> None:
    for _ in range(5):
        sign_in_from(house, "127.0.0.1")
    with house.database.session() as session:
        number = session.query(Account).filter_by(email=WHO).one().id
    admin = house.signed_in("admin@x.example")
    assert "Mở khóa đăng nhập" in admin.get(f"/accounts/{number}/edit").text
    assert admin.post(f"/accounts/{number}/unlock", page="/accounts").status_code == 303
    assert "Mở khóa đăng nhập" not in admin.get(f"/accounts/{number}/edit").text
    assert sign_in_from(house, "127.0.0.1", PASSWORD) == ""
    with house.database.session() as session:
        assert open_alarms(session) == []
    assert "sign_in.unlock" in acts(house)


def test_reset_password_unlocks_the_account(house: House) -> None:
    for _ in range(5):
        sign_in_from(house, "127.0.0.1")
    with house.database.session() as session:
        number = session.query(Account).filter_by(email=WHO).one().id
    shown = (
        house.signed_in("admin@x.example")
        .post(f"/accounts/{number}/password", page="/accounts", password=PASSWORD)
        .text
    )
    password = re.search(r"[a-z2-9]{4}(?:-[a-z2-9]{4}){3}", shown)
    assert password
    assert sign_in_from(house, "127.0.0.1", password[0]) == ""


def test_passwords_are_hashed_outside_of_transactions(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    class Watched(PasswordHasher):
        calls = 0

        def _watch(self) -> None:
            self.calls += 1
            assert house.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]

        def hash(self, *args: Any, **named: Any) -> str:
            self._watch()
            return super().hash(*args, **named)

        def verify(self, *args: Any) -> Literal[True]:
            self._watch()
            return super().verify(*args)

    watched = Watched(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(vault, "_hasher", watched)
    assert WRONG in house.browser().sign_in(WHO, password="sai").text
    assert house.browser().sign_in(WHO).status_code == 303
    admin, new = house.signed_in("admin@x.example"), "nui-cao-suoi-dai"
    with house.database.session() as session:
        number = session.query(Account).filter_by(email=WHO).one().id
    for page, fields in (
        (f"/accounts/{number}/password", {}),
        ("/accounts/0/edit", {"email": "moi@x.example", "name": "Mới", "role": "viewer", "unit": "COMMUNE"}),
        ("/accounts/import", {"table": "email,name,role,unit\nhai@x.example,Hai,viewer,COMMUNE", "confirmed": "yes"}),
        ("/officials/0/edit", {"code": "1005", "name": "Páo", "unit": "COMMUNE"}),
        ("/officials/import", {"table": "code,name,unit,pin\n1006,Hai,COMMUNE,735193", "confirmed": "yes"}),
        ("/account/password", {"new_password": new, "new_password_again": new}),
    ):
        before = watched.calls
        assert admin.post(page, page="/account", password=PASSWORD, **fields).status_code in (200, 303), page
        assert watched.calls > before, page
    with house.database.session() as session:
        official = session.query(Official).filter_by(code="1005").one().id
    before = watched.calls
    assert admin.post(f"/officials/{official}/pin", page="/account", password=new).status_code == 200
    assert watched.calls == before + 2  # the password is verified, the PIN hashed


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
    answer = browser.client.post("/account/token", data={"csrf_token": before, "name": "x"})
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


@pytest.mark.parametrize("end", ["idle", "signed out in another tab", "cookie gone"])
def test_what_was_typed_survives_a_login_that_ran_out(house: House, end: str) -> None:
    browser = house.browser()
    browser.sign_in("operator@x.example")
    token = browser.form_token("/emergency")
    if end == "idle":
        with house.database.session() as session:
            session.query(WebSession).one().ended_at = now()
    elif end == "cookie gone":
        browser.client.delete_cookie("haichieu")
    else:
        browser.post("/logout", page="/")
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
    answer = house.browser().get("/", **asked)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/login?next=%2Femergency")
    answer = house.browser().get("/", **{**asked, "HX-Current-URL": "http://x//evil.example"})
    assert answer.headers["HX-Redirect"] == "/login?next=%2F"
