"""Speakers and zones on pages: what is typed goes by the district file's rules, secrets are shown on demand."""

import datetime
import html
import io
import re
from pathlib import Path

import pytest
import xlsxwriter

from admin.entries.account_sheet import AccountSheet
from broadcast_bridge.models import Broadcast, Speaker, Zone
from broadcast_bridge.speakers import direct_calls
from broadcast_bridge.speakers.direct_calls import DirectCallCheck
from broadcast_bridge.speakers.quiet_hours import silence, unsilence
from haichieu.audit import AuditEntry
from haichieu.database import now
from haichieu.jobs import Job
from haichieu.settings import load_settings
from haichieu.sip.certificate import certificate_facts
from haichieu.vault import open_vault
from tests.builders.house import House

HOSTILE = "<script>alert(1)</script>\u202e" + "Ngã ba " * 5


def number_of(house: House, code: str) -> int:
    with house.database.session() as session:
        return session.query(Speaker).filter_by(code=code).one().id


def test_a_speaker_is_added_found_and_its_account_shown_with_a_trace(house: House, tmp_path) -> None:  # type: ignore[no-untyped-def]
    browser = house.signed_in("admin@x.example")
    added = browser.post(
        "/speakers/0/edit", "/account", id="cb-9", name=HOSTILE, unit="VILLAGE", latitude="22,95", longitude="105,6"
    )
    assert added.status_code == 303
    number = number_of(house, "cb-9")
    listed = browser.get("/speakers?unit=VILLAGE&state=never_seen&q=cb-9").text
    assert "cb-9" in listed
    assert "<script>alert" not in listed
    assert "cb-9" not in browser.get("/speakers?state=reachable").text
    with house.database.session() as session:
        password = open_vault(tmp_path).unlock(session.get_one(Speaker, number).password_locked)
    assert password not in browser.get(f"/speakers/{number}").text
    shown = browser.post(f"/speakers/{number}/account", "/account").text
    assert password in shown
    assert "<svg" in shown
    assert "Không thiết bị nào gọi tới được địa chỉ" in shown
    with house.database.session() as session:
        traces = {entry.action for entry in session.query(AuditEntry).filter_by(subject="speaker:cb-9")}
    assert traces == {"speaker.add", "speaker.account_shown"}


@pytest.mark.parametrize(
    ("server", "warning"),
    [
        ("127.0.0.1:5060", "warn_address"), ("0.0.0.0:5060", "warn_address"), ("localhost:5060", "warn_address"),
        ("[::1]:5060", "warn_address"), ("192.0.2.7:5062:5060", "warn_port"), ("192.0.2.7:5060", ""),
        ("dai.example:5061", ""), ("[2001:db8::1]:5060", ""),
    ],
)  # fmt: skip
def test_slip_warns_of_a_server_that_no_device_reaches(server: str, warning: str) -> None:
    found = AccountSheet(server, "cb-9", "password").warning
    assert (found.key if found else "") == (warning and f"panel.speakers.{warning}")


def test_account_that_demands_encryption_comes_with_the_fingerprint(house: House, tmp_path: Path) -> None:
    browser = house.signed_in("admin@x.example")
    browser.post("/speakers/0/edit", "/account", id="cb-9", name="Loa", unit="VILLAGE", encrypted="yes")
    number = number_of(house, "cb-9")
    assert 'name="encrypted" value="yes" checked' in browser.get(f"/speakers/{number}/edit").text
    shown = browser.post(f"/speakers/{number}/account", "/account").text
    fingerprint = certificate_facts(load_settings(home=tmp_path)).fingerprint
    assert f"--tls --fingerprint {fingerprint}" in shown
    assert ":5061" in shown


def test_settings_of_a_device_are_chosen_or_left_to_the_station(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    settings = {
        "make": "poly",
        "answer_seconds": "12,5",
        "qualify": "no",
        "dial_ahead": "no",
        "codecs": ["g722", "alaw"],
    }
    browser.post("/speakers/0/edit", id="cb-9", name="Loa", unit="VILLAGE", **settings)
    number = number_of(house, "cb-9")

    def stored() -> tuple[object, ...]:
        with house.database.session() as session:
            row = session.get_one(Speaker, number)
            return row.make, row.answer_seconds, row.qualify, row.behind_nat, row.dial_ahead, row.codecs

    assert stored() == ("poly", 12.5, False, None, False, ["g722", "alaw"])
    assert "<dd>poly</dd>" in browser.get(f"/speakers/{number}").text
    form = browser.get(f"/speakers/{number}/edit").text
    assert '<option value="poly" selected>' in form
    assert '<option value="no" selected>' in form
    assert form.index('value="g722" checked') < form.index('value="alaw" checked') < form.index('value="ulaw"')


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"id": "có dấu"}, "only letters"), ({"id": "loa-commune"}, "already exists"),
        ({"unit": "NOWHERE"}, "there is no"),
        ({"latitude": "95"}, "at most 90"), ({"volume_db": "loud"}, "must be a number"),
        ({"name": " "}, "must not be empty"),
        ({"sort": "multicast", "multicast": "10.0.0.1:5004"}, "multicast group"),
    ],
)  # fmt: skip
def test_problem_is_shown_at_its_field(house: House, wrong: dict[str, str], said: str) -> None:
    browser = house.signed_in("admin@district.example")
    browser.client.set_cookie("haichieu_language", "en")
    answer = browser.post("/speakers/0/edit", "/account", **{"id": "cb-9", "name": "Loa", "unit": "COMMUNE", **wrong})
    assert answer.status_code == 422
    assert said in answer.text
    with house.database.session() as session:
        assert session.query(Speaker).filter_by(code="cb-9").count() == 0


def test_two_editors_of_one_speaker_lose_nothing(house: House) -> None:
    browser, number = house.signed_in("admin@x.example"), 0
    browser.post("/speakers/0/edit", "/account", id="cb-9", name="Loa", unit="COMMUNE")
    number = number_of(house, "cb-9")
    form = {"id": "cb-9", "name": "Của tôi", "unit": "COMMUNE", "codecs": "alaw", "volume_db": "0"}
    old = browser.get(f"/speakers/{number}/edit").text.split('name="began_with" value="')[1].split('"')[0]
    with house.database.session() as session:
        session.get_one(Speaker, number).name = "Của người khác"
    answer = browser.post(f"/speakers/{number}/edit", "/account", began_with=old, **form)
    assert answer.status_code == 422
    assert "Của tôi" in answer.text
    assert "Của người khác" in answer.text
    new = answer.text.split('name="began_with" value="')[1].split('"')[0]
    assert browser.post(f"/speakers/{number}/edit", "/account", began_with=new, **form).status_code == 303
    with house.database.session() as session:
        assert session.get_one(Speaker, number).name == "Của tôi"


def test_a_table_is_tried_first_and_every_wrong_line_is_named(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    table = 'id;name;unit\nn-1;"Loa\nhai dòng";COMMUNE\nn-2;Loa;COMMUNE\nn-2;Loa;COMMUNE\nn-3;Loa;OTHER\nn-4;;VILLAGE\n'
    wrong = browser.post("/speakers/import", "/account", table=table)
    assert wrong.status_code == 422
    assert re.findall(r"<strong>(Dòng [^<]*)</strong>", wrong.text) == [
        "Dòng 4, cột A (Mã)",
        "Dòng 5",
        "Dòng 6, cột B (Tên)",
    ]
    good = "\ufeffid;name;unit;volume_db\r\nn-1;=1+1;COMMUNE;-3,5\r\nn-2;Loa;VILLAGE;\r\n"
    tried = browser.post("/speakers/import", "/account", table=good, confirmed="")
    assert "Sẽ thêm 2" in tried.text
    with house.database.session() as session:
        assert session.query(Speaker).filter(Speaker.code.like("n-%")).count() == 0
    assert browser.post("/speakers/import", "/account", table=good, confirmed="yes").status_code == 303
    with house.database.session() as session:
        assert session.query(Speaker).filter_by(code="n-1").one().volume_db == -3.5


def test_a_workbook_with_names_in_place_of_keys_is_a_table(house: House) -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate([("STT", "Mã loa", "Tên loa", "Đơn vị"), (1, "n-1", "Loa mới", "Đơn vị village")]):
            sheet.write_row(row, 0, cells)
    content.seek(0)
    browser = house.signed_in("admin@x.example")
    tried = browser.post("/speakers/import", "/account", file=(content, "loa.xlsx"))
    assert "Sẽ thêm 1" in tried.text
    table = html.unescape(tried.text.split('<textarea name="table" hidden>')[1].split("</textarea>")[0])
    assert browser.post("/speakers/import", "/account", table=table, confirmed="yes").status_code == 303
    with house.database.session() as session:
        assert session.query(Speaker).filter_by(code="n-1").one().unit_id == house.units["village"]


def test_the_tone_goes_to_that_speaker_alone_and_not_to_one_that_is_away(house: House) -> None:
    browser = house.signed_in("operator@x.example")
    assert browser.post(f"/speakers/{number_of(house, 'loa-commune')}/tone", "/account").status_code == 303
    assert browser.post(f"/speakers/{number_of(house, 'loa-village')}/tone", "/account").status_code == 409
    with house.database.session() as session:
        made = session.query(Broadcast).one()
        assert (made.speaker_codes, made.zone_codes, len(made.sounds)) == (["loa-commune"], [], 1)


def test_a_direct_call_is_asked_for_and_its_result_warns(house: House) -> None:
    browser, number = house.signed_in("admin@x.example"), number_of(house, "loa-commune")
    browser.client.set_cookie("haichieu_language", "en")
    assert browser.post(f"/speakers/{number}/direct-call", "/account").status_code == 303
    assert browser.post(f"/speakers/{number_of(house, 'loa-village')}/direct-call", "/account").status_code == 409
    with house.database.session() as session:
        assert [job.subject_id for job in session.query(Job).filter_by(kind=direct_calls.KIND)] == [number]
    for result, warns in (("answered", True), ("refused", False)):
        with house.database.session() as session:
            session.merge(DirectCallCheck(speaker_id=number, address="192.0.2.1", result=result, checked_at=now()))
        shown = browser.get(f"/speakers/{number}").text
        assert (f"state-{result}" in shown, "Anyone on the network" in shown) == (True, warns)


def test_out_of_use_needs_the_box_and_the_same_id_brings_it_back(house: House) -> None:
    browser, number = house.signed_in("admin@x.example"), number_of(house, "loa-commune")
    assert browser.post(f"/speakers/{number}/retire", "/account").status_code == 422
    assert browser.post(f"/speakers/{number}/retire", "/account", sure="yes").status_code == 303
    assert "loa-commune" not in browser.get("/speakers").text
    assert "loa-commune" in browser.get("/speakers?state=out_of_use").text
    assert browser.post("/speakers/0/edit", "/account", id="loa-commune", name="Loa", unit="COMMUNE").status_code == 303
    assert number_of(house, "loa-commune") == number


def test_speaker_that_another_unit_retired_is_not_taken_over(house: House) -> None:
    number = number_of(house, "loa-other")
    above, browser = house.signed_in("admin@district.example"), house.signed_in("admin@x.example")
    assert above.post(f"/speakers/{number}/retire", "/account", sure="yes").status_code == 303
    refused = browser.post("/speakers/0/edit", "/account", id="loa-other", name="Của tôi", unit="COMMUNE")
    assert (refused.status_code, "Của tôi" in refused.text) == (422, True)
    with house.database.session() as session:
        row = session.get_one(Speaker, number)
        assert (row.name, row.unit_id, row.removed_at is None) == ("Loa other", house.units["other"], False)
    assert above.post("/speakers/0/edit", "/account", id="loa-other", name="Loa", unit="OTHER").status_code == 303


def test_a_zone_lists_its_members_and_cannot_be_empty(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    assert browser.post("/zones/0/edit", "/account", code="77", name="Khu mới").status_code == 422
    assert browser.post("/zones/0/edit", "/account", code="77", name="Khu mới", units="VILLAGE").status_code == 303
    assert browser.post("/zones/0/edit", "/account", code="78", name="Khu", units="OTHER").status_code == 403
    page = browser.get("/zones").text
    assert "Loa village" in page
    assert "Khu mới" in page
    with house.database.session() as session:
        zone = session.query(Zone).filter_by(code="77").one().id
    assert browser.post(f"/zones/{zone}/silence", "/account", hours="4").status_code == 303
    with house.database.session() as session:
        assert session.get_one(Zone, zone).silenced_until is not None
    assert "Đã tắt tiếng khu vực Khu mới đến" in browser.get("/zones").text
    assert "Bật tiếng lại ngay" in browser.get("/zones").text
    assert browser.post(f"/zones/{zone}/silence", "/account", hours="").status_code == 303
    assert "Khu vực Khu mới có tiếng trở lại." in browser.get("/zones").text


def test_a_speaker_that_is_silent_on_purpose_says_so(house: House) -> None:
    browser, number = house.signed_in("operator@x.example"), number_of(house, "loa-commune")
    with house.database.session() as session:
        muted = session.query(Zone).filter_by(name="Khu commune").one()
        silence(session, muted.id, now() + datetime.timedelta(hours=4), "account:test@example", now())
    for page in ("/speakers", f"/speakers/{number}"):
        assert "tắt tiếng đến" in browser.get(page).text
    refused = browser.post(f"/speakers/{number}/tone", "/account")
    assert "Loa commune: khu vực đang tắt tiếng." in refused.text
    with house.database.session() as session:
        unsilence(session, muted.id, "account:test@example")
        session.get_one(Zone, muted.id).quiet_hours = "00:00-00:00"
    for page in ("/speakers", f"/speakers/{number}"):
        assert "tắt tiếng" not in browser.get(page).text
        assert "trong giờ yên lặng" in browser.get(page).text
    assert "yên lặng" in browser.post(f"/speakers/{number}/tone", "/account").text
