"""Officials and accounts on pages: PINs and passwords are shown once and hashed; an administrator always stays."""

import re

import pytest

from broadcast_bridge.broadcasts import call_backs
from broadcast_bridge.models import Broadcast
from haichieu.alarms import open_alarms
from haichieu.audit import AuditEntry
from haichieu.database import now
from haichieu.people import Account, Official, OfficialPhone
from haichieu.phone_sign_in import TRIES, Caller, PhoneSignIn, WrongPin
from haichieu.sip.models import Phone
from haichieu.vault import open_vault, secret_matches
from ivr.calls.routing import Number
from tests.builders.accounts import PASSWORD
from tests.builders.house import House

FORM = {
    "code": "1005",
    "name": "Páo",
    "unit": "COMMUNE",
    "phones": "0912 000 005\n0263000005",
    "zones": "12",
    "may": "live",
    "password": PASSWORD,
}


def official(house: House, code: str) -> Official:
    with house.database.session() as session:
        return session.query(Official).filter_by(code=code).one()


def account(house: House, email: str) -> Account:
    with house.database.session() as session:
        return session.query(Account).filter_by(email=email).one()


def test_the_pin_of_a_new_official_is_shown_once_and_kept_as_a_hash(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    slip = browser.post("/officials/0/edit", "/account", **FORM).text
    pin = re.search(r'class="pin">(\d{6})<', slip)
    assert pin
    assert secret_matches(official(house, "1005").pin_hash, pin[1])
    row = official(house, "1005").id
    assert pin[1] not in browser.get("/officials").text + browser.get(f"/officials/{row}/edit").text
    again = re.search(
        r'class="pin">(\d{6})<', browser.post(f"/officials/{row}/pin", "/account", password=PASSWORD).text
    )
    assert again
    assert not secret_matches(official(house, "1005").pin_hash, pin[1])
    assert secret_matches(official(house, "1005").pin_hash, again[1])
    mark = browser.get(f"/officials/{row}/edit").text.split('name="began_with" value="')[1].split('"')[0]
    changed = browser.post(f"/officials/{row}/edit", "/account", began_with=mark, **{**FORM, "name": "Hoàng Văn Páo"})
    assert changed.status_code == 303
    assert secret_matches(official(house, "1005").pin_hash, again[1])


def test_the_slip_has_the_number_to_dial_and_three_steps(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    assert "Đài chưa có số nào dành cho cán bộ" in browser.post("/officials/0/edit", "/account", **FORM).text
    with house.database.session() as session:
        session.add(Number(number="1900", flow="official-line", unit_id=house.units["district"]))
        session.add(Number(number="02063999100", flow="official-line", unit_id=house.units["commune"]))
    row = official(house, "1005").id
    slip = browser.post(f"/officials/{row}/pin", "/account", password=PASSWORD).text
    assert '<dd class="loud">02063999100</dd>' in slip
    assert slip.split('class="slip')[-1].count("<li>") == 3
    assert "bằng máy +84912000005, +84263000005" in slip
    assert "12 (Khu commune)" in slip
    assert 'aria-label="Mã QR để gọi 02063999100"' in slip


@pytest.mark.parametrize("what", ["pin", "password"])
def test_reload_makes_no_other_secret(house: House, what: str) -> None:
    browser = house.signed_in("admin@x.example")
    browser.post("/officials/0/edit", "/account", **FORM)
    if what == "pin":
        path = f"/officials/{official(house, '1005').id}/pin"
    else:
        path = f"/accounts/{account(house, 'viewer@x.example').id}/password"
    first = browser.post(path, "/account", once="a", password=PASSWORD)
    secrets = official(house, "1005").pin_hash, account(house, "viewer@x.example").password_hash
    again = browser.post(
        path, "/account", once="a", password=PASSWORD, headers={"Referer": "http://localhost/officials"}
    )
    assert (first.status_code, again.status_code) == (200, 303)
    assert "đài chỉ làm một lần" in browser.get(again.location).text
    assert (official(house, "1005").pin_hash, account(house, "viewer@x.example").password_hash) == secrets


def test_new_officials_and_pins_ask_for_the_own_password(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    assert browser.post("/officials/0/edit", "/account", **FORM).status_code == 200
    row = official(house, "1005")
    table = "code,name,unit\n1008,B,COMMUNE\n"
    new = {**FORM, "code": "1006", "phones": ""}
    for path, fields in (
        ("/officials/0/edit", new),
        (f"/officials/{row.id}/pin", {}),
        ("/officials/import", {"table": table, "confirmed": "yes"}),
    ):
        for given in ("", "sai"):
            refused = browser.post(path, "/account", **{**fields, "password": given})
            assert (refused.status_code, "Mật khẩu không đúng" in refused.text) == (422, True), path
    with house.database.session() as session:
        assert [one.pin_hash for one in session.query(Official)] == [row.pin_hash]


def test_encryption_of_an_officials_sip_phone_is_required_and_no_longer(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    browser.post("/officials/0/edit", "/account", **FORM)
    row = official(house, "1005").id
    with house.database.session() as session:
        for code, number in (("desk", "+84912000005"), ("other", "+84912000099")):
            session.add(Phone(code=code, name=code, password_locked="x", caller_number=number))

    def encrypted() -> dict[str, bool]:
        with house.database.session() as session:
            return {phone.code: phone.encrypted for phone in session.query(Phone)}

    assert "desk (+84912000005)" in browser.get(f"/officials/{row}/edit").text
    assert browser.post(f"/officials/{row}/phones", "/account", encrypted=["desk", "other"]).status_code == 303
    assert encrypted() == {"desk": True, "other": False}
    browser.post(f"/officials/{row}/phones", "/account")
    assert encrypted() == {"desk": False, "other": False}
    with house.database.session() as session:
        assert session.query(AuditEntry).filter_by(action="phone.change", subject="phone:desk").count() == 2


def test_nobody_gets_a_zone_beyond_the_units_or_a_phone_of_another(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    assert browser.post("/officials/0/edit", "/account", **{**FORM, "zones": "14"}).status_code == 422
    assert browser.post("/officials/0/edit", "/account", **FORM).status_code == 200
    taken = browser.post("/officials/0/edit", "/account", **{**FORM, "code": "1006"})
    assert taken.status_code == 422
    assert "đã là của 1005" in taken.text
    table = "code,name,unit,zones\n1007,A,COMMUNE,14\n1008,B,COMMUNE,12\n"
    assert "Dòng 2<" in browser.post("/officials/import", "/account", table=table).text
    slips = browser.post(
        "/officials/import", "/account", table=table.replace(",14", ",12"), confirmed="yes", password=PASSWORD
    ).text
    assert len(re.findall(r'class="pin">\d{6}<', slips)) == 2


def test_code_of_a_retired_official_names_a_new_person_in_a_new_row(house: House) -> None:
    browser, above = house.signed_in("admin@x.example"), house.signed_in("admin@district.example")
    with house.database.session() as session:
        rows = [
            Official(code=code, name="Nông Văn Cũ", pin_hash="", unit_id=house.units[unit])
            for code, unit in (("1005", "commune"), ("9001", "other"))
        ]
        session.add_all(rows)
        session.flush()
        session.add(Broadcast(official_id=rows[0].id, zone_names="Cô Ba", created_at=now()))
        old, others = rows[0].id, rows[1].id
    assert browser.post("/officials/0/edit", "/account", **FORM).status_code == 200
    with house.database.session() as session:
        assert session.query(Broadcast).one().official.name == "Nông Văn Cũ"
        assert session.get_one(Official, old).pin_hash == ""
        new = session.query(Official).filter_by(code="1005").one()
        assert (new.name, new.id != old) == ("Páo", True)
    elsewhere = {**FORM, "code": "9001", "phones": ""}
    assert browser.post("/officials/0/edit", "/account", **elsewhere).status_code == 422
    same = {**elsewhere, "name": "Nông Văn Cũ", "unit": "OTHER", "zones": "14"}
    assert above.post("/officials/0/edit", "/account", **same).status_code == 200
    assert official(house, "9001").id == others  # the same person comes back


def test_a_new_account_begins_with_a_password_shown_once(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    form = {"email": "moi@x.example", "name": "Mới", "role": "viewer", "unit": "VILLAGE", "password": PASSWORD}
    assert browser.post("/accounts/0/edit", "/account", **{**form, "unit": "OTHER"}).status_code == 403
    shown = browser.post("/accounts/0/edit", "/account", **form).text
    password = shown.split('secret">')[1].split("<")[0]
    assert house.browser().sign_in("moi@x.example", password).status_code == 303


def test_an_official_is_called_once_to_choose_a_pin(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    with house.database.session() as session:
        for code, phones in (("1005", ["+84912000005"]), ("1006", [])):
            row = Official(code=code, name="Páo", pin_hash="x", unit_id=house.units["commune"])
            row.phones = [OfficialPhone(number=number) for number in phones]
            session.add(row)
        session.flush()
        numbers = [one.id for one in session.query(Official).order_by(Official.code)]
    for _ in range(2):
        assert browser.post(f"/officials/{numbers[0]}/call", "/officials").status_code == 303
    page = browser.get("/officials").text
    assert "Đài đang gọi Páo (+84912000005)" in page
    assert f"/officials/{numbers[1]}/call" not in page
    assert browser.post(f"/officials/{numbers[1]}/call", "/officials").status_code == 409
    with house.database.session() as session:
        [owed] = call_backs.claim(session, now())
        assert (owed.flow, owed.numbers, owed.zone_keys) == ("set-pin", ("+84912000005",), "")


def test_accounts_come_from_a_table_that_only_adds(house: House) -> None:
    browser, page = house.signed_in("admin@x.example"), "/accounts/import"
    table = "email,name,role,unit\na@y.example,An,operator,COMMUNE\nviewer@x.example,V,admin,COMMUNE\n"
    table += "b@y.example,Bình,chief,COMMUNE\nc@y.example,Chi,viewer,OTHER\n"
    wrong = browser.post(page, "/account", table=table, confirmed="yes", password=PASSWORD)
    assert wrong.status_code == 422
    for line in ("Dòng 3, cột A (Email)<", "Dòng 4, cột C (Vai trò)<", "Dòng 5<"):
        assert line in wrong.text
    right = "email,name,role,unit\na@y.example,An,operator,COMMUNE\nb@y.example,Bình,editor,VILLAGE\n"
    assert "a@y.example, b@y.example" in browser.post(page, "/account", table=right).text
    with house.database.session() as session:
        assert session.query(Account).filter(Account.email.contains("@y.example")).count() == 0
    shown = browser.post(page, "/account", table=right, confirmed="yes", password=PASSWORD).text
    passwords = re.findall(r'secret">([^<]+)<', shown)
    assert len(set(passwords)) == 2
    assert house.browser().sign_in("b@y.example", passwords[1]).status_code == 303
    with house.database.session() as session:
        assert session.query(Account).filter_by(email="viewer@x.example").one().role == "viewer"
    assert house.signed_in("editor@x.example").get(page).status_code == 403


def test_a_disabled_account_is_out_with_its_tokens(house: House) -> None:
    viewer, header = house.signed_in("viewer@x.example"), house.token("viewer@x.example")
    admin, number = house.signed_in("admin@x.example"), account(house, "viewer@x.example").id
    assert admin.post(f"/accounts/{number}/disable", "/account", sure="yes").status_code == 303
    assert viewer.get("/").status_code == 303
    assert house.app.test_client().get("/api/v1/speakers", headers=header).status_code == 401
    assert house.browser().sign_in("viewer@x.example").status_code == 401


def test_the_last_administrator_stays(house: House) -> None:
    top = house.signed_in("admin@district.example")
    number = account(house, "admin@district.example").id
    assert top.post(f"/accounts/{number}/disable", "/account", sure="yes").status_code == 409
    mark = top.get(f"/accounts/{number}/edit").text.split('name="began_with" value="')[1].split('"')[0]
    form = {"email": "admin@district.example", "name": "A", "role": "viewer", "unit": "DISTRICT", "began_with": mark}
    form["password"] = PASSWORD
    assert top.post(f"/accounts/{number}/edit", "/account", **form).status_code == 409
    below = account(house, "admin@x.example").id
    assert top.post(f"/accounts/{below}/disable", "/account", sure="yes").status_code == 303


def test_administrator_unlocks_an_official(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    browser.post("/officials/0/edit", "/account", **FORM)
    row = official(house, "1005").id
    assert "Mở khóa đăng nhập" not in browser.get(f"/officials/{row}/edit").text
    for _ in range(TRIES):
        with pytest.raises(WrongPin):
            PhoneSignIn(house.database, open_vault(house.home)).sign_in(Caller("+84912000005"), None, "000000")
    assert "Mở khóa đăng nhập" in browser.get(f"/officials/{row}/edit").text
    assert browser.post(f"/officials/{row}/unlock", "/account").status_code == 303
    assert "Mở khóa đăng nhập" not in browser.get(f"/officials/{row}/edit").text
    with house.database.session() as session:
        assert open_alarms(session) == []
        assert session.query(AuditEntry).filter_by(action="sign_in.unlock", subject="official:1005").count() == 1


def test_short_pin_is_imported_and_kept_with_call_back_verification_only(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    table = "code,name,unit,phones,pin,call_back\n1005,Páo,COMMUNE,0912000005,7351,{}"
    refused = browser.post(
        "/officials/import", "/account", table=table.format("no"), confirmed="yes", password=PASSWORD
    )
    assert "ít nhất 6 chữ số" in refused.text
    browser.post("/officials/import", "/account", table=table.format("yes"), confirmed="yes", password=PASSWORD)
    row = official(house, "1005").id
    edit = f"/officials/{row}/edit"
    mark = browser.get(edit).text.split('name="began_with" value="')[1].split('"')[0]
    without = browser.post(edit, "/account", began_with=mark, **FORM)
    assert without.status_code == 422
    assert "hãy cấp lại mã PIN trước" in without.text
    assert official(house, "1005").call_back
    browser.post(f"/officials/{row}/pin", "/account", password=PASSWORD)
    assert browser.post(edit, "/account", began_with=mark, **FORM).status_code == 303
    assert not official(house, "1005").call_back


def test_simple_pin_is_not_imported(house: House) -> None:
    table = "code,name,unit,pin\n1005,Páo,COMMUNE,345678"
    refused = house.signed_in("admin@x.example").post(
        "/officials/import", "/account", table=table, confirmed="yes", password=PASSWORD
    )
    assert "quá dễ đoán" in refused.text
