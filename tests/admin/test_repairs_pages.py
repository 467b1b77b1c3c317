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
from ivr.calls.routing import Number
from tests.admin.forms import field
from tests.builders.house import Browser, House
from tests.builders.repairs import repair
from tests.builders.sounds import stored


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
    fields = {"work": "Thay củ loa", "parts": "Củ loa 30 W × 1", "cost": "1.250.000", "days_lost": "2"}
    sent = operator.post("/repairs", do="close", repair=number, began_with=mark(operator, number), **fields)
    assert sent.status_code == 303
    found = of(house, number)
    assert (found.state, found.outcome, found.cost, found.days_lost_stated) == ("closed", "done", 1250000, 2)
    assert (found.work, found.parts, found.closed_by) == (
        "Thay củ loa",
        "Củ loa 30 W × 1",
        "account:operator@x.example",
    )
    shown = operator.get(f"/repairs/{number}").text
    assert "1.250.000" in shown or 'value="1250000"' in shown
    assert operator.post("/repairs", do="reopen", repair=number).status_code == 303
    assert of(house, number).is_open


def test_wrong_cost_is_refused_beside_its_field_and_nothing_is_saved(house: House) -> None:
    number, operator = broken(house), house.signed_in("operator@x.example")
    fields = {"work": "Thay củ loa", "cost": "1.250,50"}
    shown = operator.post("/repairs", do="close", repair=number, began_with=mark(operator, number), **fields)
    assert shown.status_code == 422
    assert 'id="hint-cost"><div class="problem' in shown.text
    assert "Thay củ loa" in shown.text
    assert (of(house, number).is_open, of(house, number).work) == (True, "")


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
    assert operator.get("/speakers/slips").text.count('class="card slip') == 2
