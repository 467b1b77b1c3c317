"""The pages of repairs: list, one repair with its form, the speaker's page, and the slips of poles."""

import csv
import io

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import Speaker
from broadcast_bridge.repairs.models import FaultReport, Repair
from broadcast_bridge.repairs.pole_codes import grouped, pole_code
from broadcast_bridge.repairs.states import Fault
from haichieu.audit import AuditEntry
from haichieu.database import now
from haichieu.people import Unit
from haichieu.station import Station
from ivr.calls.routing import Number
from tests.admin.forms import field
from tests.builders.house import Browser, House
from tests.builders.in_unit import device
from tests.builders.repairs import repair
from tests.builders.sounds import stored
from tests.builders.workbooks import words_of_workbook


def speaker_id(house: House, unit: str = "commune") -> int:
    with house.database.session() as session:
        return session.scalars(sa.select(Speaker.id).where(Speaker.code == f"loa-{unit}")).one()


def broken(house: House, unit: str = "commune", fault: Fault = Fault.SILENT, **more: object) -> int:
    with house.database.session() as session:
        return repair(session, speaker_id(house, unit), fault, **more).id


def of(house: House, number: int) -> Repair:
    with house.database.session() as session:
        return session.get_one(Repair, number, options=[sa.orm.selectinload(Repair.reports)])


def mark(browser: Browser, number: int) -> str:
    return field(browser.get(f"/repairs/{number}").text, "began_with")


def test_operator_reports_a_speaker_by_either_code(house: House) -> None:
    operator = house.signed_in("operator@x.example")
    sent = operator.post("/repairs", do="open", speaker="loa-commune", fault="loud", text="Quá to buổi sáng")
    assert sent.status_code == 303
    operator.post("/repairs", do="open", speaker=grouped(pole_code(speaker_id(house))), fault="unsafe")
    with house.database.session() as session:
        number = session.scalars(sa.select(Repair.id)).one()
        actions = session.scalars(sa.select(AuditEntry.action).where(AuditEntry.subject == f"repair:{number}")).all()
    assert (of(house, number).fault, [one.text for one in of(house, number).reports]) == (
        "unsafe", ["Quá to buổi sáng", ""],
    )  # fmt: skip
    assert list(actions) == ["repair.open", "repair.report"]
    assert "Quá to buổi sáng" in operator.get(f"/repairs/{number}").text
    assert f"/repairs/{number}" in operator.get("/repairs").text


@pytest.mark.parametrize(
    "fields",
    [
        {"speaker": "khong-co", "fault": "loud"},
        {"speaker": "", "fault": "loud"},
        {"speaker": "loa-commune", "fault": "away-ish"},
        {"speaker": "loa-commune", "fault": "loud", "text": "a" * 2001},
    ],
)
def test_report_with_a_mistake_is_shown_again_as_typed(house: House, fields: dict[str, str]) -> None:
    shown = house.signed_in("operator@x.example").post("/repairs", do="open", **fields)
    assert shown.status_code == 422
    assert 'class="problem' in shown.text
    assert f'value="{fields["speaker"]}"' in shown.text


def test_retired_speaker_gets_no_repair(house: House) -> None:
    with house.database.session() as session:
        session.get_one(Speaker, speaker_id(house)).removed_at = now()
    shown = house.signed_in("operator@x.example").post("/repairs", do="open", speaker="loa-commune", fault="loud")
    assert shown.status_code == 422


@pytest.mark.parametrize("role", ["viewer", "approver"])
def test_repairs_are_read_without_the_right_and_changed_with_it(house: House, role: str) -> None:
    with house.database.session() as session:
        sound = stored(session, house.store, b"\x01\x02" * 8000)
    number = broken(house)
    with house.database.session() as session:
        session.scalars(sa.select(FaultReport)).one().sound_id = sound.id
    reader, operator = house.signed_in(f"{role}@x.example"), house.signed_in("operator@x.example")
    shown = reader.get(f"/repairs/{number}")
    assert shown.status_code == 200
    assert "<textarea" not in shown.text
    assert f"/sounds/{sound.id}" not in shown.text
    assert reader.get(f"/sounds/{sound.id}").status_code == 404
    assert operator.get(f"/sounds/{sound.id}").status_code == 200
    assert f"/sounds/{sound.id}" in operator.get(f"/repairs/{number}").text
    assert reader.post("/repairs", do="close", repair=number).status_code == 403
    assert reader.post("/repairs", do="open", speaker="loa-commune", fault="loud").status_code == 403


@pytest.mark.parametrize("unit", ["other", "district"])
def test_repair_of_another_unit_is_neither_seen_nor_changed(house: House, unit: str) -> None:
    number = broken(house, unit)
    operator = house.signed_in("operator@x.example")
    assert f'href="/repairs/{number}"' not in operator.get("/repairs?state=all").text
    assert operator.get(f"/repairs/{number}").status_code == 403
    assert operator.post("/repairs", do="close", repair=number).status_code == 403
    assert operator.post("/repairs", do="open", speaker=f"loa-{unit}", fault="loud").status_code == 403
    assert operator.post("/repairs", do="close", repair="77").status_code == 404
    assert f"loa-{unit}" not in operator.get("/repairs?as=csv&state=all").text
    assert grouped(pole_code(speaker_id(house, unit))) not in operator.get("/speakers/slips").text
    assert of(house, number).is_open


def test_work_parts_and_cost_are_noted_and_the_repair_is_closed(house: House) -> None:
    number, operator = broken(house), house.signed_in("operator@x.example")
    fields = {"work": "Thay củ loa", "parts": "Củ loa 30 W × 1", "cost": "1.250.000", "days_lost": "1,1"}
    sent = operator.post("/repairs", do="close", repair=number, began_with=mark(operator, number), **fields)
    assert sent.status_code == 303
    found = of(house, number)
    assert (found.state, found.outcome, found.cost, found.days_lost_stated) == ("closed", "done", 1250000, 1.1)
    assert (found.work, found.parts, found.closed_by) == (
        "Thay củ loa",
        "Củ loa 30 W × 1",
        "account:operator@x.example",
    )
    shown = operator.get(f"/repairs/{number}").text
    assert 'value="1.250.000"' in shown
    assert 'value="1,1"' in shown
    assert "chỉ khi loa" in shown
    assert operator.post("/repairs", do="reopen", repair=number).status_code == 303
    assert of(house, number).is_open


def test_repair_names_the_person_in_charge_to_those_who_repair(house: House) -> None:
    number, operator, viewer = broken(house), house.signed_in("operator@x.example"), house.signed_in("viewer@x.example")
    fields = {"began_with": mark(operator, number), "in_charge": " Thợ  Páo, 0912345678 "}
    assert operator.post("/repairs", do="save", repair=number, **fields).status_code == 303
    assert of(house, number).in_charge == "Thợ Páo, 0912345678"
    assert not of(house, number).is_untouched
    for path in (f"/repairs/{number}", "/repairs", "/repairs?as=csv&state=all"):
        assert ("Páo" in operator.get(path).data.decode(), "Páo" in viewer.get(path).data.decode()) == (True, False), (
            path
        )
    long = operator.post("/repairs", do="save", repair=number, began_with=mark(operator, number), in_charge="a" * 201)
    assert long.status_code == 422
    assert 'id="hint-in_charge"><div class="problem' in long.text


def test_wrong_cost_is_refused_beside_its_field_and_nothing_is_saved(house: House) -> None:
    number, operator = broken(house), house.signed_in("operator@x.example")
    fields = {"work": "Thay củ loa", "cost": "1.250,50"}
    shown = operator.post("/repairs", do="close", repair=number, began_with=mark(operator, number), **fields)
    assert shown.status_code == 422
    assert 'id="hint-cost"><div class="problem' in shown.text
    assert "Thay củ loa" in shown.text
    assert "có phần lẻ của đồng" in shown.text
    assert (of(house, number).is_open, of(house, number).work) == (True, "")


def test_page_of_an_open_repair_says_how_to_close_it_at_the_pole(house: House) -> None:
    number, operator = broken(house), house.signed_in("operator@x.example")
    assert "từ chân cột" not in operator.get(f"/repairs/{number}").text
    with house.database.session() as session:
        session.add(Number(number="1900", flow="official-line", unit_id=house.units["district"]))
    shown = operator.get(f"/repairs/{number}").text
    assert f"bấm mã cột loa {grouped(pole_code(speaker_id(house)))} và #" in shown
    operator.post("/repairs", do="close", repair=number, began_with=mark(operator, number))
    assert "từ chân cột" not in operator.get(f"/repairs/{number}").text


def test_speakers_of_own_units_are_offered_for_a_repair(house: House) -> None:
    shown = house.signed_in("operator@x.example").get("/repairs").text
    assert '<option value="loa-commune">' in shown
    assert '<option value="loa-other">' not in shown
    assert '<option value="loa-commune">' not in house.signed_in("viewer@x.example").get("/repairs").text


def test_second_writer_is_shown_that_the_repair_has_changed(house: House) -> None:
    number, operator = broken(house), house.signed_in("operator@x.example")
    old = mark(operator, number)
    operator.post("/repairs", do="save", repair=number, began_with=old, work="Đã gọi điện lực")
    shown = operator.post("/repairs", do="save", repair=number, began_with=old, work="Đã thay dây")
    assert shown.status_code == 422
    assert "Đã thay dây" in shown.text
    assert of(house, number).work == "Đã gọi điện lực"


def test_unclear_or_impossible_action_is_refused(house: House) -> None:
    number, operator = broken(house), house.signed_in("operator@x.example")
    assert operator.post("/repairs", do="burn", repair=number).status_code == 422
    assert operator.post("/repairs", do="reopen", repair=number).status_code in (409, 422)
    assert operator.post("/repairs").status_code == 404


def test_list_is_filtered_and_exported_as_shown(house: House) -> None:
    here, below = broken(house), broken(house, "village", Fault.LOUD, state="closed", closed_at=now(), cost=50000)
    operator = house.signed_in("operator@x.example")
    assert [f'href="/repairs/{one}"' in operator.get("/repairs").text for one in (here, below)] == [True, False]
    closed = operator.get("/repairs?state=closed").text
    assert [f'href="/repairs/{one}"' in closed for one in (here, below)] == [False, True]
    with house.database.session() as session:
        village = session.get_one(Unit, house.units["village"]).code
    assert f'href="/repairs/{here}"' not in operator.get(f"/repairs?state=all&unit={village}").text
    text = operator.get("/repairs?as=csv&state=all").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["Mã cụm loa"] for row in rows] == ["loa-village", "loa-commune"]
    assert rows[0]["Chi phí (đồng)"] == "50000"
    answer = operator.get("/repairs?as=xlsx&state=all")
    assert 'filename="so-sua-chua.xlsx"' in answer.headers["Content-Disposition"]
    strings, sheet = words_of_workbook(answer.data)
    assert "Chi phí (đồng)" in strings
    assert "<v>50000</v>" in sheet
    assert "50000" not in strings
    assert "Không có phiếu" in operator.get("/repairs?state=closed&unit=khong-co").text


def test_speaker_page_shows_its_code_its_open_repair_and_its_history(house: House) -> None:
    number, operator = broken(house), house.signed_in("operator@x.example")
    shown = operator.get(f"/speakers/{speaker_id(house)}").text
    assert f'href="/repairs/{number}"' in shown
    assert grouped(pole_code(speaker_id(house))) in shown
    chosen = operator.get(f"/repairs?speaker={speaker_id(house)}").text
    assert 'value="loa-commune"' in chosen


def test_returned_speaker_is_suggested_for_closing(house: House) -> None:
    number = broken(house, fault=Fault.AWAY)
    with house.database.session() as session:
        row = session.get_one(Speaker, speaker_id(house))
        row.reachable, row.reachable_since = True, now()
    assert "alert-warning" in house.signed_in("operator@x.example").get(f"/repairs/{number}").text


@pytest.mark.parametrize("unit", ["commune", "district"])
def test_slip_has_the_line_of_its_unit_or_of_one_above(house: House, unit: str) -> None:
    operator = house.signed_in("operator@x.example")
    assert "<svg" not in operator.get(f"/speakers/slips?speaker={speaker_id(house)}").text.partition("<main")[2]
    with house.database.session() as session:
        session.add(Number(number="02063999", flow="fault-line", unit_id=house.units[unit], missed_call_back=True))
    shown = operator.get(f"/speakers/slips?speaker={speaker_id(house)}").text
    assert shown.count('class="card slip') == 1
    assert grouped(pole_code(speaker_id(house))) in shown
    assert "02063999" in shown
    assert "gọi nhỡ" in shown
    assert "Quét mã này bằng điện thoại" in shown
    assert f"bấm mã cột loa {grouped(pole_code(speaker_id(house)))}, rồi bấm #" in shown
    assert "bấm 0 rồi bấm #" in shown
    assert operator.get("/speakers/slips").text.count('class="card slip') == 2


def test_slip_has_the_step_of_the_language_where_callers_are_asked(house: House) -> None:
    operator, path = house.signed_in("operator@x.example"), f"/speakers/slips?speaker={speaker_id(house)}"
    with house.database.session() as session:
        session.add(Number(number="02063999", flow="fault-line", unit_id=house.units["commune"]))
        session.add(Station(id=1, languages=["vi"]))
    assert "máy hỏi muốn nghe tiếng nào" not in operator.get(path).text
    with house.database.session() as session:
        session.get_one(Station, 1).languages = ["vi", "tyz"]
    assert "máy hỏi muốn nghe tiếng nào" in operator.get(path).text
    with house.database.session() as session:
        session.scalars(sa.select(Number)).one().language = "vi"
    assert "máy hỏi muốn nghe tiếng nào" not in operator.get(path).text


@pytest.mark.parametrize("is_speaker", [True, False])
def test_device_of_the_book_leads_to_its_speaker(house: House, is_speaker: bool) -> None:
    device(house, "commune", code="TB-77", speaker_id=speaker_id(house) if is_speaker else None)
    sent = house.signed_in("operator@x.example").post("/repairs", do="open", speaker="TB-77", fault="silent")
    assert sent.status_code == (303 if is_speaker else 422)
    assert ("không phải là cụm loa" in sent.text) != is_speaker


def test_code_of_another_unit_is_refused_beside_its_field(house: House) -> None:
    code, operator = grouped(pole_code(speaker_id(house, "other"))), house.signed_in("operator@x.example")
    shown = operator.post("/repairs", do="open", speaker=code, fault="loud", text="Quá to")
    assert shown.status_code == 403
    assert "thuộc đơn vị khác" in shown.text.partition('id="hint-speaker"')[2][:400]
    assert "Quá to" in shown.text
    with house.database.session() as session:
        assert session.scalars(sa.select(Repair)).all() == []
