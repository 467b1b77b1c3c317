"""One's own account: codes at sign-in that work once, another password, logins and tokens that can be ended."""

import datetime
import re

import pyotp
import pytest
import sqlalchemy as sa
import time_machine

from admin.access import tokens
from admin.access.models import ApiToken, RecoveryCode, SecondFactor, WebSession
from admin.my_account.browsers import browser_name
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.errors import HaiChieuError, UsageError
from haichieu.people import Account
from haichieu.vault import hash_secret
from tests.builders.accounts import PASSWORD
from tests.builders.house import Browser, House
from tests.command_line import haichieu

WHO = "editor@x.example"


def switch_on(house: House) -> tuple[pyotp.TOTP, list[str]]:
    """Switch codes on as a person does; return the app on the phone and the recovery codes."""
    browser = house.signed_in(WHO)
    page = browser.get("/account/second-factor").text
    assert "<svg" in page
    assert "viewBox=" in page  # without it the page cuts the image off
    secret = re.search(r'<code class="break">([A-Z2-7]{32})</code>', page)
    assert secret
    app = pyotp.TOTP(secret[1])
    assert (
        "Mã không đúng"
        in browser.post("/account/second-factor", page="/account", code="000000", password=PASSWORD).text
    )
    shown = browser.post("/account/second-factor", page="/account", code=app.at(now()), password=PASSWORD).text
    return app, re.findall(r"secret\">([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})</code>", shown)


def half_in(house: House) -> Browser:
    browser = house.browser()
    assert "Mã 6 chữ số" in browser.sign_in(WHO).text
    assert browser.get("/account").status_code == 303
    return browser


def test_with_codes_on_a_password_alone_opens_nothing(house: House) -> None:
    app, recovery = switch_on(house)
    assert len(recovery) == 10
    browser = half_in(house)
    assert "không đúng hoặc đã dùng" in browser.post("/login/code", code="123456").text
    with time_machine.travel(now() + datetime.timedelta(seconds=30)):
        code = app.at(now())
        assert browser.post("/login/code", code=f"{code[:3]} {code[3:]}").status_code == 303
        assert browser.get("/account").status_code == 200
        assert half_in(house).post("/login/code", code=code).status_code == 401  # no code is taken twice


def test_a_recovery_code_works_once(house: House) -> None:
    _, recovery = switch_on(house)
    assert half_in(house).post("/login/code", code=recovery[0].upper()).status_code == 303
    assert half_in(house).post("/login/code", code=recovery[0]).status_code == 401
    with house.database.session() as session:
        assert session.query(RecoveryCode).filter(RecoveryCode.used_at.is_(None)).count() == 9
        kept = str([vars(row) for row in session.query(RecoveryCode)]) + str(vars(session.query(SecondFactor).one()))
    assert recovery[1].replace("-", "") not in kept


def test_password_of_an_open_browser_is_guessed_slowly(house: House) -> None:
    browser = house.signed_in(WHO)
    for _ in range(6):
        house.browser().sign_in(WHO, password="sai")
    wrong = {"password": "sai", "new_password": "nui-cao-suoi-dai", "new_password_again": "nui-cao-suoi-dai"}
    for _ in range(5):
        assert "quá nhiều lần" not in browser.post("/account/password", page="/account", **wrong).text
    assert "quá nhiều lần" in browser.post("/account/password", page="/account", **wrong).text


def test_five_wrong_codes_delay_the_next(house: House) -> None:
    _, recovery = switch_on(house)
    browser = half_in(house)
    for _ in range(5):
        browser.post("/login/code", code="000000")
    assert "quá nhiều lần" in browser.post("/login/code", code=recovery[0]).text


def test_a_right_password_does_not_wait_for_its_code_for_ever(house: House) -> None:
    _, recovery = switch_on(house)
    browser = half_in(house)
    with time_machine.travel(now() + datetime.timedelta(minutes=6)):
        answer = browser.post("/login/code", code=recovery[0])
        assert answer.headers["Location"].startswith("/login")


def test_codes_are_switched_off_with_the_password_alone(house: House) -> None:
    switch_on(house)
    browser = house.signed_in(WHO)
    assert browser.post("/account/second-factor-off", page="/account", password="sai").status_code == 422
    assert browser.post("/account/second-factor-off", page="/account", password=PASSWORD).status_code == 303
    assert house.browser().sign_in(WHO).status_code == 303


def test_another_password_leaves_this_browser_in_and_no_other(house: House) -> None:
    browser, elsewhere = house.signed_in(WHO), house.signed_in(WHO)
    new = {"new_password": "nui-cao-suoi-dai", "new_password_again": "nui-cao-suoi-dai"}
    for wrong in ({**new, "password": "sai"}, {**new, "password": PASSWORD, "new_password_again": "x"}):
        assert browser.post("/account/password", page="/account", **wrong).status_code == 422
    weak = {"password": PASSWORD, "new_password": "ngan", "new_password_again": "ngan"}
    assert "10" in browser.post("/account/password", page="/account", **weak).text
    assert browser.post("/account/password", page="/account", password=PASSWORD, **new).status_code == 303
    assert browser.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
    assert house.browser().sign_in(WHO, password="nui-cao-suoi-dai").status_code == 303


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36", "Chrome, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Windows"),
        ("curl/8.1", "curl/8.1"),
        ("", "?"),
    ],
)  # fmt: skip
def test_browsers_have_names_that_their_owners_know(said: str, told: str) -> None:
    assert browser_name(said) == told


def test_one_ends_ones_own_logins_and_nobody_elses(house: House) -> None:
    browser, elsewhere = house.signed_in(WHO), house.signed_in(WHO)
    house.signed_in("viewer@x.example")
    with house.database.session() as session:
        mine, other = sorted(session.scalars(sa.select(WebSession.id)))[1:3]
    assert browser.post("/account/end-login", page="/account", login=mine).status_code == 303
    assert elsewhere.get("/account").status_code == 303
    assert browser.post("/account/end-login", page="/account", login=other).status_code == 404


def test_a_token_is_shown_once_used_and_revoked(house: House) -> None:
    browser = house.signed_in(WHO)
    form = {"name": "máy tính <b>", "scope": "view", "days": "30", "password": PASSWORD}
    shown = re.search(r"hc_[\w-]{43}", browser.post("/account/token", page="/account", **form).text)
    assert shown
    header = {"Authorization": f"Bearer {shown[0]}"}
    client = house.app.test_client()
    assert client.get("/api/v1/speakers", headers=header).status_code == 200
    page = browser.get("/account").text
    assert shown[0] not in page
    assert "máy tính &lt;b&gt;" in page
    with house.database.session() as session:
        token = session.query(ApiToken).one()
        assert shown[0] not in str(vars(token))
        assert token.last_used_at is not None
    stranger = house.signed_in("admin@x.example")
    assert stranger.post("/account/revoke-token", page="/account", token=token.id).status_code == 409
    assert browser.post("/account/revoke-token", page="/account", token=token.id).status_code == 303
    assert client.get("/api/v1/speakers", headers=header).status_code == 401


@pytest.mark.parametrize("password", ["", "sai"])
@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/account/token", {"name": "máy tính", "scope": "view", "days": "30"}),
        ("/account/second-factor", {"code": "{code}"}),
        ("/accounts/0/edit", {"email": "m@y.example", "name": "M", "role": "admin", "unit": "COMMUNE"}),
        ("/accounts/import", {"table": "email,name,role,unit\na@y.example,A,admin,COMMUNE", "confirmed": "yes"}),
        ("/accounts/{viewer}/edit", {"name": "V", "role": "admin", "unit": "COMMUNE", "email": "viewer@x.example"}),
        ("/accounts/{viewer}/password", {}),
        ("/accounts/{viewer}/second-factor-off", {}),
    ],
)
def test_open_browser_changes_nothing_lasting_without_the_password(
    house: House, path: str, form: dict[str, str], password: str
) -> None:
    browser = house.signed_in("admin@x.example")
    secret = re.search(r'<code class="break">([A-Z2-7]{32})</code>', browser.get("/account/second-factor").text)
    assert secret

    def state() -> list[object]:
        with house.database.session() as session:
            accounts = [(one.email, one.role, one.password_hash) for one in session.query(Account).order_by(Account.id)]
            return [accounts, session.query(ApiToken).count(), session.query(SecondFactor).one().confirmed_at]

    with house.database.session() as session:
        viewer = session.query(Account).filter_by(email="viewer@x.example").one().id
    fields = {name: value.format(code=pyotp.TOTP(secret[1]).at(now())) for name, value in form.items()}
    before = state()
    refused = browser.post(path.format(viewer=viewer), "/account", **fields, password=password)
    assert (refused.status_code, state()) == (422, before)
    assert "không đúng" in refused.text


def test_token_does_only_what_its_scope_says_and_until_its_last_day(house: House) -> None:
    with house.database.session() as session:
        account = session.query(Account).filter_by(email="operator@x.example").one()
        limits = tokens.Limits({Action.VIEW}, days=30)
        header = {"Authorization": f"Bearer {tokens.create(session, account, 'x', 'test', now(), limits)}"}
    client = house.app.test_client()
    assert client.get("/api/v1/broadcasts", headers=header).status_code == 200
    assert client.get("/api/v1/cases", headers=header).status_code == 403
    wish = {"zones": ["12"], "text": "Thử", "priority": "emergency"}
    refused = client.post("/api/v1/broadcasts", headers=header, json=wish)
    assert (refused.status_code, "token" in refused.json["detail"] or "Mã truy cập" in refused.json["detail"]) == (
        403,
        True,
    )
    with time_machine.travel(now() + datetime.timedelta(days=31)):
        assert client.get("/api/v1/broadcasts", headers=header).status_code == 401


def test_token_has_no_right_that_its_account_lacks(house: House) -> None:
    with house.database.session() as session:
        account = session.query(Account).filter_by(email="viewer@x.example").one()
        with pytest.raises(UsageError):
            tokens.create(session, account, "x", "test", now(), tokens.Limits({Action.VIEW, Action.EMERGENCY}))
        with pytest.raises(UsageError):
            tokens.create(session, account, "x", "test", now(), tokens.Limits(days=5000))


def test_another_password_ends_every_token(house: House) -> None:
    new = {"new_password": "nui-cao-suoi-dai", "new_password_again": "nui-cao-suoi-dai"}
    own, others, applied = (house.token(f"{role}@x.example") for role in ("editor", "viewer", "operator"))
    house.signed_in(WHO).post("/account/password", page="/account", password=PASSWORD, **new)
    with house.database.session() as session:
        number = session.query(Account).filter_by(email="viewer@x.example").one().id
        session.query(Account).filter_by(email="operator@x.example").one().password_hash = hash_secret("khac-han-cu")
    admin = house.signed_in("admin@x.example")
    assert admin.post(f"/accounts/{number}/password", "/account", password=PASSWORD).status_code == 200
    client = house.app.test_client()
    for header in (own, others, applied):
        assert client.get("/api/v1/speakers", headers=header).status_code == 401


def test_tokens_from_the_command_line(house: House, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("HAICHIEU_DATABASE_URL", house.database.url.render_as_string(hide_password=False))
    home = ("--home", str(tmp_path))
    made = haichieu("token", "create", "--account", WHO, *home)
    header = {"Authorization": f"Bearer {made.stdout.strip()}"}
    client = house.app.test_client()
    assert client.get("/api/v1/speakers", headers=header).status_code == 200
    assert client.get("/api/v1/cases", headers=header).status_code == 200
    limited = haichieu("token", "create", "--account", WHO, "--may", "view", "--days", "7", *home).stdout.strip()
    narrow = {"Authorization": f"Bearer {limited}"}
    assert client.get("/api/v1/cases", headers=narrow).status_code == 403
    assert made.stdout.strip() not in haichieu("token", "list", *home).stdout
    with house.database.session() as session:
        number = session.query(ApiToken).order_by(ApiToken.id).first().id
    assert haichieu("token", "revoke", str(number), *home).returncode == 0
    assert client.get("/api/v1/speakers", headers=header).status_code == 401
    refused = haichieu("token", "create", "--account", "khong-co@x.example", *home)
    assert (refused.returncode, "There is no account" in refused.stderr) == (HaiChieuError.exit_status, True)


def test_an_account_that_is_removed_takes_its_logins_and_tokens_with_it(house: House) -> None:
    browser, header = house.signed_in(WHO), house.token(WHO)
    with house.database.session() as session:
        session.delete(session.query(Account).filter_by(email=WHO).one())
    assert browser.get("/account").status_code == 303
    assert house.app.test_client().get("/api/v1/speakers", headers=header).status_code == 401
