"""The page of the province's bulletins: what is shown to whom, and the decisions of the commune."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring, DeviceCommand, Source, SourceReport
from haichieu.database import now
from haichieu.locale import Message
from tests.builders.house import House
from tests.builders.sounds import stored

HOUR = datetime.timedelta(hours=1)


def bulletin(house: House, unit: str = "commune", **more: object) -> int:
    """Add an offered bulletin with a sound, for the speaker of a unit."""
    with house.database.session() as session:
        source = session.scalar(sa.select(Source)) or Source(
            code="tinh", name="Tỉnh Cao Bằng", dialect="neutral", address="http://127.0.0.1:9", username="u",
            password_locked="x", external_id="H24", unit_id=house.units["district"],
        )  # fmt: skip
        session.add(source)
        values: dict[str, object] = {
            "title": "Phòng dịch tả lợn", "text": "Mời bà con nghe.", "unit_id": house.units[unit],
            "speaker_codes": [f"loa-{unit}"], "sound": stored(session, house.store, b"\x01\x02" * 8000), **more,
        }  # fmt: skip
        made = Bulletin(source=source, external_id=f"b{session.query(Bulletin).count()}", received_at=now(), **values)
        session.add(made)
        session.flush()
        return made.id


def of(house: House, number: int) -> Bulletin:
    with house.database.session() as session:
        return session.get_one(Bulletin, number)


def reports(house: House) -> list[str]:
    with house.database.session() as session:
        return [row.body["state"] for row in session.scalars(sa.select(SourceReport).order_by(SourceReport.id))]


def test_offered_bulletin_is_shown_with_its_sound_and_its_choices(house: House) -> None:
    number = bulletin(house)
    shown = house.signed_in("editor@x.example").get("/bulletins").text
    assert "Phòng dịch tả lợn" in shown
    assert f"/sounds/{of(house, number).sound_id}" in shown
    assert all(f'value="{one}"' in shown for one in ("schedule", "accept", "decline"))
    seen = house.signed_in("viewer@x.example")
    assert 'value="accept"' not in seen.get("/bulletins").text
    assert seen.get(f"/sounds/{of(house, number).sound_id}").status_code == 200


def test_offered_bulletin_is_among_the_tabs_and_on_the_overview(house: House) -> None:
    editor = house.signed_in("editor@x.example")
    assert 'href="/bulletins"' not in editor.get("/programmes").text
    bulletin(house)
    assert 'href="/bulletins"' in editor.get("/programmes").text
    assert "Phòng dịch tả lợn" in editor.get("/").text


@pytest.mark.parametrize("unit", ["other", "district"])
def test_bulletin_of_another_unit_is_neither_shown_nor_changed(house: House, unit: str) -> None:
    number = bulletin(house, unit)
    editor = house.signed_in("editor@x.example")
    assert "Phòng dịch tả lợn" not in editor.get("/bulletins").text
    assert editor.post("/bulletins", bulletin=number, do="accept").status_code == 403
    assert editor.get(f"/sounds/{of(house, number).sound_id}").status_code == 404
    assert of(house, number).state == "offered"
    assert editor.post("/bulletins", bulletin="77", do="accept").status_code == 404


@pytest.mark.parametrize(("role", "status"), [("approver", 303), ("operator", 403), ("viewer", 403)])
def test_choosing_needs_the_right_to_schedule(house: House, role: str, status: int) -> None:
    number = bulletin(house)
    assert house.signed_in(f"{role}@x.example").post("/bulletins", bulletin=number, do="accept").status_code == status


def test_accepted_bulletin_is_an_approved_programme_of_its_unit(house: House) -> None:
    speakers = ["loa-commune", "loa-village"]
    number = bulletin(house, valid_until=now() + HOUR, field="5", speaker_codes=speakers)
    house.signed_in("editor@x.example").post("/bulletins", bulletin=number, do="accept")
    with house.database.session() as session:
        made = session.scalars(sa.select(Programme)).one()
        assert (made.title, made.state, made.unit_id) == ("Phòng dịch tả lợn", "approved", house.units["commune"])
        assert (made.author, made.zone_codes, made.category) == ("source:tinh", ["12", "13"], "5")
    assert (of(house, number).state, reports(house)) == ("accepted", ["accepted"])


@pytest.mark.parametrize("when", ["", "2099"])
def test_bulletin_is_broadcast_now_or_at_a_time(house: House, when: str) -> None:
    number = bulletin(house)
    at = (now() + 24 * HOUR).replace(second=0, microsecond=0)
    local = (at + 7 * HOUR).strftime("%Y-%m-%dT%H:%M") if when else ""
    editor = house.signed_in("editor@x.example")
    assert editor.post("/bulletins", bulletin=number, do="schedule", at=local).status_code == 303
    with house.database.session() as session:
        broadcast = session.scalars(sa.select(Broadcast)).one()
        assert broadcast.speaker_codes == ["loa-commune"]
        assert broadcast.due_at == at if when else (broadcast.due_at or now()) <= now()
    assert (of(house, number).state, reports(house)) == ("scheduled", ["accepted", "scheduled"])


def test_declined_bulletin_needs_a_reason_for_the_province(house: House) -> None:
    number = bulletin(house)
    editor = house.signed_in("editor@x.example")
    assert editor.post("/bulletins", bulletin=number, do="decline", reason=" ").status_code == 422
    assert editor.post("/bulletins", bulletin=number, do="decline", reason="Xã đã phát tuần trước").status_code == 303
    assert (of(house, number).reason, reports(house)) == (Message.verbatim("Xã đã phát tuần trước"), ["declined"])
    assert editor.post("/bulletins", bulletin=number, do="accept").status_code == 422


def test_bulletin_without_its_sound_cannot_be_chosen_yet(house: House) -> None:
    number = bulletin(house, sound=None)
    editor = house.signed_in("editor@x.example")
    assert editor.post("/bulletins", bulletin=number, do="accept").status_code == 422
    assert of(house, number).state == "offered"


@pytest.mark.parametrize(
    ("do", "at"), [("", ""), ("eat", ""), ("schedule", "yesterday"), ("schedule", "2001-01-01T00:00")]
)
def test_senseless_form_changes_nothing(house: House, do: str, at: str) -> None:
    number = bulletin(house)
    assert house.signed_in("editor@x.example").post("/bulletins", bulletin=number, do=do, at=at).status_code == 422
    assert (of(house, number).state, reports(house)) == ("offered", [])


def meeting(session: Session, number: int, until: datetime.timedelta) -> None:
    one = session.get_one(Bulletin, number)
    one.priority, one.state = Priority.PRIORITY, "accepted"
    one.airings.append(
        BulletinAiring(
            starts_at=now() + HOUR, rival="Tin của xã", rival_begins=now() + HOUR, rival_ends=now() + 2 * HOUR,
            decide_by=now() + until,
        )
    )  # fmt: skip


def test_user_decides_the_order_before_the_deadline(house: House) -> None:
    number = bulletin(house)
    with house.database.session() as session:
        meeting(session, number, HOUR)
    editor = house.signed_in("editor@x.example")
    assert "Tin của xã" in editor.get("/bulletins").text
    assert editor.post("/bulletins", bulletin=number, do="first_commune").status_code == 303
    with house.database.session() as session:
        assert session.scalars(sa.select(BulletinAiring.first)).one() == "commune"
    assert editor.post("/bulletins", bulletin=number, do="first_source").status_code == 422


def test_order_cannot_be_decided_after_the_deadline(house: House) -> None:
    number = bulletin(house)
    with house.database.session() as session:
        meeting(session, number, -HOUR)
    editor = house.signed_in("editor@x.example")
    assert "Tin của xã" not in editor.get("/bulletins").text
    assert editor.post("/bulletins", bulletin=number, do="first_source").status_code == 422


def command(house: House, unit: str, external_id: str, **more: object) -> None:
    """Add a command of a source of a unit."""
    with house.database.session() as session:
        source = Source(
            code=unit, name=f"Nguồn {unit}", dialect="neutral", address="http://127.0.0.1:9", username="u",
            password_locked="x", external_id=unit, unit_id=house.units[unit],
        )  # fmt: skip
        session.add(source)
        session.flush()
        values: dict[str, object] = {"action": "volume", "value": 60, "speaker_codes": ["loa-commune"], **more}
        session.add(DeviceCommand(source_id=source.id, external_id=external_id, received_at=now(), **values))


def test_commands_of_the_visitors_sources_are_shown_with_their_refusals(house: House) -> None:
    editor = house.signed_in("editor@x.example")
    assert "Lệnh của tỉnh" not in editor.get("/bulletins").text
    command(house, "commune", "c1", speaker_codes=[], reason=Message("source.command.no_restart"))
    command(house, "other", "c2")
    shown = editor.get("/bulletins").text
    assert "Lệnh của tỉnh" in shown
    assert "Nguồn commune" in shown
    assert "60%" in shown
    assert "không khởi động lại từ xa được" in shown
    assert "Nguồn other" not in shown


def test_changed_bulletin_says_when_it_was_changed(house: House) -> None:
    bulletin(house, changed_at=now(), version=2)
    assert "sửa đổi lúc" in house.signed_in("editor@x.example").get("/bulletins").text
