"""The page of the province's bulletins: what is shown to whom, and the decisions of the commune."""

import datetime
import re

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast, Delivery, Speaker, Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.source_system import bulletin_steps, report_queue
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring, DeviceCommand, Source, SourceReport
from broadcast_bridge.source_system.states import First
from haichieu.database import now
from haichieu.locale import Message
from haichieu.people import Unit
from tests.builders.house import House
from tests.builders.programmes import ready
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
    assert all(f'value="{one}"' in shown for one in ("air", "schedule", "accept", "decline"))
    seen = house.signed_in("viewer@x.example")
    assert 'value="accept"' not in seen.get("/bulletins").text
    assert seen.get(f"/sounds/{of(house, number).sound_id}").status_code == 200


def test_offered_bulletin_is_among_the_tabs_and_on_the_overview(house: House) -> None:
    editor = house.signed_in("editor@x.example")
    assert 'href="/bulletins"' not in editor.get("/programmes").text
    bulletin(house)
    assert 'href="/bulletins"' in editor.get("/programmes").text
    assert "Phòng dịch tả lợn" in editor.get("/").text


def test_what_accepting_means_is_said_while_it_can_be_chosen(house: House) -> None:
    number = bulletin(house)
    editor = house.signed_in("editor@x.example")
    assert "Đã nhận thì không từ chối được nữa" in editor.get("/bulletins").text
    assert editor.post("/bulletins", bulletin=number, do="accept").status_code == 303
    assert "Đã nhận thì không từ chối được nữa" not in editor.get("/bulletins").text


def test_commune_sees_whether_the_source_of_its_province_answers(house: House) -> None:
    bulletin(house)
    commune, above = house.signed_in("admin@x.example"), house.signed_in("admin@district.example")
    shown = commune.get("/bulletins").text
    assert ("chưa liên lạc" in shown, "Đã kết nối" in shown) == (True, False)
    with house.database.session() as session:
        session.scalars(sa.select(Source)).one().last_ok_at = now()
    for browser, may_change in ((commune, False), (above, True)):
        shown = browser.get("/bulletins").text
        assert ("Đã kết nối" in shown, "Sửa nguồn tin" in shown) == (True, may_change)


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
    number = bulletin(house, valid_until=now() + HOUR, field="Chăn nuôi", speaker_codes=speakers)
    house.signed_in("editor@x.example").post("/bulletins", bulletin=number, do="accept")
    with house.database.session() as session:
        made = session.scalars(sa.select(Programme)).one()
        assert (made.title, made.state, made.unit_id) == ("Phòng dịch tả lợn", "approved", house.units["commune"])
        assert (made.author, made.zone_codes, made.category) == ("source:tinh", ["12", "13"], "Chăn nuôi")
    assert (of(house, number).state, reports(house)) == ("accepted", ["accepted"])


@pytest.mark.parametrize("when", ["", "2099"])
def test_bulletin_is_broadcast_now_or_at_a_time(house: House, when: str) -> None:
    number = bulletin(house)
    at = (now() + 24 * HOUR).replace(second=0, microsecond=0)
    local = (at + 7 * HOUR).strftime("%Y-%m-%dT%H:%M") if when else ""
    editor = house.signed_in("editor@x.example")
    assert editor.post("/bulletins", bulletin=number, do="schedule" if when else "air", at=local).status_code == 303
    with house.database.session() as session:
        broadcast = session.scalars(sa.select(Broadcast)).one()
        assert broadcast.speaker_codes == ["loa-commune"]
        assert broadcast.due_at == at if when else (broadcast.due_at or now()) <= now()
    assert (of(house, number).state, reports(house)) == ("scheduled", ["accepted", "scheduled"])
    said = "Đã xếp lịch: phát lúc" if when else "Bản tin đang được đưa lên sóng trên 1 cụm loa"
    assert said in editor.get("/bulletins").text


def test_page_says_where_a_bulletin_would_go_on_air_at_once(house: House) -> None:
    bulletin(house, speaker_codes=["loa-commune", "loa-village"])
    with house.database.session() as session:
        places = {unit.id: unit.name for unit in session.scalars(sa.select(Unit))}
    commune, village = sorted(house.units[one] for one in ("commune", "village"))
    shown = house.signed_in("editor@x.example").get("/bulletins").text
    assert f"Phát ngay trên 2 cụm loa ở {places[commune]}, {places[village]}?" in shown


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (-3, "Giờ này đã qua. Hãy chọn giờ khác."),
        (30, "Bản tin chỉ có hiệu lực đến"),
        (24 * 400, "Hãy chọn giờ phát trong vòng một năm tới."),
    ],
)
def test_wrong_time_is_refused_with_its_reason(house: House, hours: int, said: str) -> None:
    number = bulletin(house, valid_until=now() + 24 * HOUR)
    editor = house.signed_in("editor@x.example")
    answer = editor.post("/bulletins", bulletin=number, do="schedule", at=chosen_time(hours)[1])
    assert (answer.status_code, said in answer.text) == (422, True)
    assert of(house, number).state == "offered"


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
    ("do", "at"), [("", ""), ("eat", ""), ("schedule", ""), ("schedule", "yesterday"), ("schedule", "2001-01-01T00:00")]
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
    waiting = editor.get("/").text
    assert f'href="/bulletins#bulletin-{number}"' in waiting
    assert "Chọn bên phát trước" in waiting
    assert 'data-attention="1"' in editor.get("/on-air").text
    assert "Chọn bên phát trước" not in house.signed_in("viewer@x.example").get("/").text
    assert editor.post("/bulletins", bulletin=number, do="first_commune").status_code == 303
    assert "Chọn bên phát trước" not in editor.get("/").text
    assert "Chương trình của xã phát trước. Người quyết định: Tài khoản editor." in editor.get("/bulletins").text
    with house.database.session() as session:
        assert session.scalars(sa.select(BulletinAiring.first)).one() == "commune"
    assert editor.post("/bulletins", bulletin=number, do="first_source").status_code == 422


def test_order_can_be_changed_until_the_deadline(house: House) -> None:
    number = bulletin(house)
    with house.database.session() as session:
        meeting(session, number, HOUR)
    editor = house.signed_in("editor@x.example")
    editor.post("/bulletins", bulletin=number, do="first_commune")
    with house.database.session() as session:
        airing = session.scalars(sa.select(BulletinAiring)).one()
        number_of_airing = airing.id
    assert "Đổi thứ tự trước" in editor.get("/bulletins").text
    sent = {"bulletin": number, "airing": number_of_airing, "do": "first_source"}
    assert editor.post("/bulletins", **sent).status_code == 303
    assert "Bản tin của tỉnh phát trước. Người quyết định: Tài khoản editor." in editor.get("/bulletins").text
    with house.database.session() as session:
        session.get_one(BulletinAiring, number_of_airing).decide_by = now()
    assert "Đổi thứ tự trước" not in editor.get("/bulletins").text
    assert editor.post("/bulletins", **sent).status_code == 422


def test_schedule_that_meets_a_planned_bulletin_must_be_confirmed(house: House) -> None:
    number, start = bulletin(house), (now() + 20 * HOUR).replace(second=0, microsecond=0)
    with house.database.session() as session:
        one = session.get_one(Bulletin, number)
        one.priority, one.state = Priority.PRIORITY, "accepted"
        one.airings.append(BulletinAiring(starts_at=start))
        session.flush()
        bulletin_steps.plan(session, one, one.airings[0], start, now())
        zone = session.scalars(sa.select(Zone.id).where(Zone.code == "12")).one()
    editor, local = house.signed_in("editor@x.example"), start + 7 * HOUR
    form = {
        "title": "Tin của xã", "unit": house.units["commune"], "what": "programme", "programme": ready(house),
        "zone": zone, "day": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M}", "repeat": "once", "priority": "priority",
    }  # fmt: skip
    asked = editor.post("/calendar/schedules/0/edit", **form)
    assert asked.status_code == 409
    assert "Trùng giờ với bản tin ưu tiên “Phòng dịch tả lợn” của tỉnh" in asked.text
    mark = re.search(r'name="confirmed" value="(\w+)"', asked.text)
    assert mark
    made = editor.post("/calendar/schedules/0/edit", **form, confirmed=mark[1])
    assert made.status_code == 303
    for shown, leads in ((asked.text, False), (editor.get(made.location).text, True)):
        said = shown.partition("Trùng giờ với bản tin ưu tiên")[2].partition("</li>")[0]
        assert ('href="/bulletins"' in said) == leads
    later = (local + HOUR).strftime("%H:%M")
    assert "bản tin ưu tiên" not in editor.post("/calendar/schedules/0/edit", **{**form, "time": later}).text
    assert "bản tin ưu tiên" not in editor.post("/calendar/schedules/0/edit", **{**form, "priority": "normal"}).text


def test_order_cannot_be_decided_after_the_deadline(house: House) -> None:
    number = bulletin(house)
    with house.database.session() as session:
        meeting(session, number, -HOUR)
    editor = house.signed_in("editor@x.example")
    assert "Tin của xã" not in editor.get("/bulletins").text
    assert editor.post("/bulletins", bulletin=number, do="first_source").status_code == 422


def test_card_says_that_nobody_decided_in_time(house: House) -> None:
    number = bulletin(house)
    with house.database.session() as session:
        meeting(session, number, -HOUR)
        session.get_one(Bulletin, number).airings[0].first = First.SOURCE
    shown = house.signed_in("viewer@x.example").get("/bulletins").text
    assert "“Tin của xã”" in shown
    assert "Không ai chọn trước thời hạn" in shown


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


def chosen_time(hours: int) -> tuple[datetime.datetime, str]:
    """Return a start time, and as the form sends it."""
    at = (now() + hours * HOUR).replace(second=0, microsecond=0)
    return at, (at + 7 * HOUR).strftime("%Y-%m-%dT%H:%M")


def airings(house: House) -> dict[int, str | None]:
    """Return the airings of bulletins with the states of their broadcasts."""
    with house.database.session() as session:
        rows = sa.select(BulletinAiring.id, Broadcast.state).join(Broadcast).order_by(BulletinAiring.starts_at)
        return {number: state for number, state in session.execute(rows)}


def test_scheduled_bulletin_shows_its_times_and_a_second_one_is_announced(house: House) -> None:
    number = bulletin(house)
    editor = house.signed_in("editor@x.example")
    for hours, said in ((24, "Đã xếp lịch: phát lúc"), (48, "Đã xếp thêm một lần phát")):
        at, local = chosen_time(hours)
        editor.post("/bulletins", bulletin=number, do="schedule", at=local)
        shown = editor.get("/bulletins").text
        assert said in shown
        assert f"Sẽ phát lúc {(at + 7 * HOUR):%d/%m/%Y %H:%M}" in shown
    assert shown.count("Sẽ phát lúc") == 2


def test_planned_airing_is_cancelled_and_can_be_chosen_again(house: House) -> None:
    number = bulletin(house)
    editor = house.signed_in("editor@x.example")
    times = [chosen_time(hours)[1] for hours in (24, 48)]
    for local in times:
        editor.post("/bulletins", bulletin=number, do="schedule", at=local)
    first, second = airings(house)
    assert editor.post("/bulletins", bulletin=number, do="cancel", airing=first).status_code == 303
    assert (of(house, number).state, airings(house)) == ("scheduled", {first: "cancelled", second: "planned"})
    assert editor.post("/bulletins", bulletin=number, do="cancel", airing=first).status_code == 422
    assert editor.post("/bulletins", bulletin=number, do="cancel", airing=second).status_code == 303
    assert (of(house, number).state, reports(house)) == ("accepted", ["accepted", "scheduled", "accepted"])
    editor.post("/bulletins", bulletin=number, do="schedule", at=times[0])
    assert (of(house, number).state, airings(house)) == ("scheduled", {first: "planned", second: "cancelled"})


def test_airing_that_the_province_ordered_is_not_cancelled(house: House) -> None:
    at, local = chosen_time(24)
    number = bulletin(house, priority=Priority.PRIORITY, starts=[at.isoformat()])
    editor = house.signed_in("editor@x.example")
    editor.post("/bulletins", bulletin=number, do="schedule", at=local)
    assert 'value="cancel"' not in editor.get("/bulletins").text
    (ordered,) = airings(house)
    assert editor.post("/bulletins", bulletin=number, do="cancel", airing=ordered).status_code == 422
    assert house.signed_in("viewer@x.example").post("/bulletins", bulletin=number, do="cancel").status_code == 403


def test_page_says_which_reports_and_logs_went_up(house: House) -> None:
    number = bulletin(house)
    editor = house.signed_in("admin@district.example")
    assert "chưa gửi" not in editor.get("/bulletins").text
    editor.post("/bulletins", bulletin=number, do="air")
    with house.database.session() as session:
        broadcast = session.scalars(sa.select(Broadcast)).one()
        speaker = session.scalars(sa.select(Speaker).where(Speaker.code == "loa-commune")).one()
        broadcast.ended_at = now()
        session.add(Delivery(broadcast_id=broadcast.id, speaker_id=speaker.id, active=False, state="played"))
        session.flush()
        report_queue.add_logs(session, session.scalars(sa.select(Source)).one(), now())
    shown = editor.get("/bulletins").text
    assert "Còn 3 báo cáo chưa gửi" in shown
    assert "Đã báo tỉnh lúc" not in shown
    with house.database.session() as session:
        for row in session.scalars(sa.select(SourceReport)):
            row.sent_at = now()
    shown = editor.get("/bulletins").text
    assert "Đã gửi mọi báo cáo cho tỉnh" in shown
    assert "Đã báo tỉnh lúc" in shown
