"""The station's settings: each kind of entry is saved and removed by the same rules as in the district file."""

import datetime
import html
import re

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from broadcast_bridge.alerts.models import AlertSource
from broadcast_bridge.source_system.models import Source
from feedback.models import AnswerTemplate, Category, Department
from haichieu.audit import AuditEntry
from haichieu.database import now
from haichieu.people import Unit
from haichieu.sip.models import Phone, Trunk
from haichieu.station import the_station
from haichieu.vault import open_vault
from tests.builders.accounts import PASSWORD
from tests.builders.house import Browser, House
from tests.builders.in_unit import case

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

PHONE = {"id": "may-1", "name": "Bàn trực", "caller_number": "0206 3870 001"}
TRUNK = {"id": "vnpt", "host": "sip.example", "transport": "tls", "username": "u", "register": "yes", "outbound": "yes"}
SOURCE = {
    "code": "cb", "name": "Cao Bằng", "dialect": "neutral", "address": "https://tinh.example", "username": "xa",
    "station": "S1", "poll_seconds": "15",
}  # fmt: skip
ALERTS = {
    "code": "kttv", "name": "KTTV", "senders": "a@kttv.example\r\nb@kttv.example", "enabled": "yes",
    "highest_priority": "priority", "feed_seconds": "60", "silent_minutes": "60", "new_password": "0123456789abcdef",
}  # fmt: skip


@pytest.fixture
def admin(house: House) -> Browser:
    return house.signed_in("admin@district.example")


def send(browser: Browser, path: str, **fields: str) -> tuple[int, str]:
    """Send a form as its page shows it, with the visitor's password; return status and page."""
    began = re.search(r'name="began_with" value="([^"]*)"', browser.get(path).text)
    assert began
    answer = browser.post(path, **{"began_with": began[1], "password": PASSWORD, **fields})
    return answer.status_code, html.unescape(answer.text)


def test_station_itself_is_changed_and_its_pin_stays_secret(house: House, admin: Browser) -> None:
    form = {
        "name": "Đài Bảo Lạc",
        "timezone": "Asia/Ho_Chi_Minh",
        "languages": "vi\r\ntay",
        "reply_hours": "08:00-20:00",
    }
    status, page = send(admin, "/station/station/1/edit", **form, emergency_number="1999")
    assert (status, "emergency_pin" in page) == (422, True)
    status, _ = send(admin, "/station/station/1/edit", **form, emergency_number="1999", new_password="730518")
    assert status == 303
    with house.database.session() as session:
        station = the_station(session)
        assert (station.name, station.languages) == ("Đài Bảo Lạc", ["vi", "tay"])
        assert open_vault(house.home).unlock(station.emergency_pin_locked) == "730518"
    assert "730518" not in admin.get("/station/station/1/edit").text
    kept = {**form, "quiet_hours": "21:30-05:00", "emergency_number": "1999"}
    assert send(admin, "/station/station/1/edit", **kept)[0] == 303
    with house.database.session() as session:
        assert open_vault(house.home).unlock(the_station(session).emergency_pin_locked) == "730518"
    assert send(admin, "/station/station/1/edit", **form)[0] == 303
    with house.database.session() as session:
        assert the_station(session).emergency_pin_locked == ""
        written = [entry.detail for entry in session.scalars(sa.select(AuditEntry))]
    assert "730518" not in str(written)


def test_secrets_need_the_visitors_password(house: House, admin: Browser) -> None:
    status, page = send(admin, "/station/phones/0/edit", **PHONE, password="not this one")
    assert (status, "Mật khẩu không đúng" in page, "Email hoặc" in page) == (422, True, False)
    with house.database.session() as session:
        assert session.scalar(sa.select(Phone.id)) is None


def test_phone_gets_a_password_that_is_shown_once(house: House, admin: Browser) -> None:
    status, page = send(admin, "/station/phones/0/edit", **PHONE)
    shown = re.search(r'id="password">([^<]+)<', page)
    assert status == 200
    assert shown
    with house.database.session() as session:
        phone = session.scalars(sa.select(Phone)).one()
        number, locked = phone.id, phone.password_locked
        assert (phone.caller_number, open_vault(house.home).unlock(locked)) == ("+842063870001", shown[1])
    assert send(admin, f"/station/phones/{number}/edit", **{**PHONE, "name": "Văn phòng"})[0] == 303
    assert shown[1] not in admin.get(f"/station/phones/{number}/edit").text
    with house.database.session() as session:
        assert session.scalars(sa.select(Phone.password_locked)).one() == locked
    second = {**PHONE, "id": "may-2"}
    assert "số này đã dùng cho máy khác" in send(admin, "/station/phones/0/edit", **second)[1]
    taken = {**PHONE, "id": "loa-commune", "caller_number": "0206 3870 002"}
    assert "speakers" in send(admin, "/station/phones/0/edit", **taken)[1]


def test_trunk_keeps_its_password_and_rules(house: House, admin: Browser) -> None:
    assert (
        send(admin, "/station/trunks/0/edit", **TRUNK, new_password="matkhau12", prefix_rules="+84 = 0", port="5061")[0]
        == 303
    )
    assert send(admin, "/station/trunks/0/edit", **TRUNK)[0] == 422
    with house.database.session() as session:
        trunk = session.scalars(sa.select(Trunk)).one()
        assert (trunk.register, trunk.outbound, trunk.port, trunk.prefix_rules) == (True, True, 5061, [["+84", "0"]])
        path = f"/station/trunks/{trunk.id}/edit"
    assert "+84 = 0" in html.unescape(admin.get(path).text)
    assert send(admin, path, **TRUNK, hosts="203.0.113.0/8")[0] == 422
    assert send(admin, path, **TRUNK, port="five")[0] == 422
    assert send(admin, path, **TRUNK, hosts="203.0.113.32/28\r\nsbc.example:5080")[0] == 303
    with house.database.session() as session:
        trunk = session.scalars(sa.select(Trunk)).one()
        assert (trunk.hosts, trunk.port) == (["203.0.113.32/28", "sbc.example:5080"], 0)
        assert open_vault(house.home).unlock(trunk.password_locked) == "matkhau12"
    assert send(admin, path, id="vnpt", host="sip.example", transport="udp")[0] == 303
    with house.database.session() as session:
        assert session.scalars(sa.select(Trunk.password_locked)).one() == ""
    assert admin.post(path.replace("/edit", "/remove")).status_code == 422
    assert admin.post(path.replace("/edit", "/remove"), sure="yes").status_code == 303
    with house.database.session() as session:
        assert session.scalar(sa.select(Trunk.id)) is None


def test_category_needs_a_department_which_then_stays(house: House, admin: Browser) -> None:
    category = {"code": "7", "name": "Đất đai", "department": "dia-chinh", "answer_within_days": "7"}
    assert "dia-chinh" in send(admin, "/station/categories/0/edit", **category)[1]
    assert send(admin, "/station/departments/0/edit", code="dia-chinh", name="Địa chính", email="no address")[0] == 422
    assert send(admin, "/station/departments/0/edit", code="dia-chinh", name="Địa chính")[0] == 303
    assert send(admin, "/station/categories/0/edit", **category, keywords="đất\r\nsổ đỏ")[0] == 303
    with house.database.session() as session:
        found = session.scalars(sa.select(Category).where(Category.code == "7")).one()
        assert (found.department.code, found.keywords) == ("dia-chinh", ["đất", "sổ đỏ"])
        path = f"/station/departments/{found.department_id}/edit"
    stays = admin.post(path.replace("/edit", "/remove"), sure="yes")
    assert (stays.status_code, "còn được dùng" in stays.text) == (422, True)
    with house.database.session() as session:
        assert session.scalar(sa.select(Department.id).where(Department.code == "dia-chinh"))


def test_template_of_the_station_replaces_the_built_in_one(house: House, admin: Browser) -> None:
    number = case(house, "village")
    built_in = admin.get(f"/cases/{number}").text
    prefilled = admin.get("/station/answer-templates/0/edit?code=1").text
    text = re.search(r'<textarea[^>]*name="text"[^>]*>([^<]+)<', prefilled)
    assert text
    assert text[1] in built_in
    assert (
        send(admin, "/station/answer-templates/0/edit", code="1", name="Đã nhận", text="Xã đã nhận\r\nphản ánh.")[0]
        == 303
    )
    assert send(admin, "/station/answer-templates/0/edit", code="7", name="Cảm ơn", text="Cảm ơn bà con.")[0] == 303
    assert send(admin, "/station/answer-templates/0/edit", code="x", name="Cảm ơn", text="Cảm ơn bà con.")[0] == 422
    page = admin.get(f"/cases/{number}").text
    assert 'data-key="1" data-text="Xã đã nhận phản ánh."' in page
    assert 'data-key="7"' in page
    assert text[1] not in page
    with house.database.session() as session:
        row = session.scalars(sa.select(AnswerTemplate.id).where(AnswerTemplate.code == "1")).one()
    assert admin.post(f"/station/answer-templates/{row}/remove", sure="yes").status_code == 303
    assert text[1] in admin.get(f"/cases/{number}").text


def test_source_of_alerts_needs_a_proof_and_keeps_its_secret(house: House, admin: Browser) -> None:
    assert send(admin, "/station/alert-sources/0/edit", **{**ALERTS, "new_password": ""})[0] == 422
    assert send(admin, "/station/alert-sources/0/edit", **{**ALERTS, "new_password": "short"})[0] == 422
    assert send(admin, "/station/alert-sources/0/edit", **{**ALERTS, "certificate": "-----BEGIN\nnothing"})[0] == 422
    assert send(admin, "/station/alert-sources/0/edit", **ALERTS, zones="nowhere")[0] == 422
    key = Ed25519PrivateKey.generate().public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert send(admin, "/station/alert-sources/0/edit", **ALERTS, public_key=pem.replace("\n", "\r\n"))[0] == 303
    with house.database.session() as session:
        source = session.scalars(sa.select(AlertSource)).one()
        path, locked = f"/station/alert-sources/{source.id}/edit", source.secret_locked
        assert source.senders == ["a@kttv.example", "b@kttv.example"]
        assert source.public_key.split() == pem.split()
    off = {name: value for name, value in ALERTS.items() if name not in ("enabled", "new_password")}
    assert send(admin, path, **off)[0] == 303
    with house.database.session() as session:
        source = session.scalars(sa.select(AlertSource)).one()
        assert (source.enabled, source.secret_locked) == (False, locked)


def test_source_system_names_units_and_speakers(house: House, admin: Browser) -> None:
    with house.database.session() as session:
        unit = session.get_one(Unit, house.units["commune"]).code
    new = {**SOURCE, "unit": unit, "new_password": "bi-mat"}
    assert '<option value="">Hãy chọn đơn vị</option>' in admin.get("/station/sources/0/edit").text
    assert send(admin, "/station/sources/0/edit", **{**new, "unit": ""})[0] == 422
    status, page = send(admin, "/station/sources/0/edit", **new, areas="01285 = nowhere")
    assert (status, "nowhere" in page) == (422, True)
    assert send(admin, "/station/sources/0/edit", **{**new, "address": "http://tinh.example"})[0] == 422
    places = {"areas": f"01285 = {unit}", "speakers": "8612 = loa-commune"}
    assert send(admin, "/station/sources/0/edit", **new, **places)[0] == 303
    with house.database.session() as session:
        source = session.scalars(sa.select(Source)).one()
        assert {one.external_id for one in source.places} == {"01285", "8612"}
        path = f"/station/sources/{source.id}/edit"
    assert "chưa liên lạc · https://tinh.example" in admin.get("/station").text
    later = now() + datetime.timedelta(minutes=5)

    def asked_next(**typed: str) -> datetime.datetime | None:
        with house.database.session() as session:
            session.scalars(sa.select(Source)).one().next_poll_at = later
        assert send(admin, path, **SOURCE, unit=unit, speakers="8612 = loa-commune", **typed)[0] == 303
        with house.database.session() as session:
            return session.scalars(sa.select(Source.next_poll_at)).one()

    assert f"01285 = {unit}" in admin.get(path).text
    assert asked_next() == later
    assert asked_next(new_password="mat-khau-dung") is None
    assert admin.post(path.replace("/edit", "/remove"), sure="yes").status_code == 303
    assert admin.get(path).status_code == 404


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"new_password": ""}, "Cần mật khẩu: hãy nhập mật khẩu đã được cấp"),
        ({"username": ""}, "Không được để trống"),
        ({"areas": "01285 CO-BA"}, "Dòng “01285 CO-BA” chưa đúng."),
        ({"areas": "01285 ="}, "ví dụ: 01285 = CO-BA"),
        ({"areas": "01285 = village\n01285 = commune"}, "Mã “01285” có ở nhiều dòng."),
        (
            {"areas": "01285 = XA-LA"},
            "Dòng “01285 = XA-LA”: đài không có đơn vị mang mã XA-LA.",
        ),
        ({"speakers": "8612 = loa-la"}, "Dòng “8612 = loa-la”: đài không có cụm loa mang mã loa-la."),
    ],
)
def test_form_of_a_source_says_what_is_wrong_and_what_is_allowed(
    house: House, admin: Browser, typed: dict[str, str], said: str
) -> None:
    with house.database.session() as session:
        unit = session.get_one(Unit, house.units["commune"])
        unit.code = "commune"
    status, page = send(admin, "/station/sources/0/edit", **{**SOURCE, "unit": "commune", "new_password": "m", **typed})
    assert (status, said in html.unescape(page)) == (422, True)
    assert ("Các mã đơn vị: " in page) == ("XA-LA" in said)
    assert "Để trống thì giữ mật khẩu đang có" not in admin.get("/station/sources/0/edit").text


@pytest.mark.parametrize("kind", ["sources", "trunks"])
def test_account_of_the_visitor_is_not_sent_as_that_of_the_entry(admin: Browser, kind: str) -> None:
    assert admin.get(f"/station/{kind}/0/edit").text.count('name="username"') == 1


def test_form_of_another_user_is_not_overwritten(house: House, admin: Browser) -> None:
    send(admin, "/station/departments/0/edit", code="dc", name="Địa chính")
    with house.database.session() as session:
        path = f"/station/departments/{session.scalars(sa.select(Department.id)).one()}/edit"
    answer = admin.post(path, code="dc", name="Khác", began_with="another")
    assert (answer.status_code, "Địa chính" in answer.text) == (422, True)


@pytest.mark.parametrize("path", ["/station/nothing/0/edit", "/station/phones/99/edit", "/station/station/1/remove"])
def test_what_there_is_not_is_not_found(admin: Browser, path: str) -> None:
    answer = admin.post(path, sure="yes") if path.endswith("remove") else admin.get(path)
    assert answer.status_code == 404


def test_settings_are_for_administrators_of_every_unit(house: House) -> None:
    for account in ("admin@x.example", "operator@district.example"):
        assert house.signed_in(account).get("/station").status_code in (403, 404)
        assert house.signed_in(account).post("/station/departments/1/remove", sure="yes").status_code in (403, 404)
