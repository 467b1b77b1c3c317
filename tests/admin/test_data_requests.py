"""The page of data requests: filed by number in any spelling, settled, refused, and what stops an erasure."""

import io
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.broadcasts.states import BroadcastState
from broadcast_bridge.models import Broadcast, BroadcastSound
from broadcast_bridge.programmes.models import Programme
from feedback.answers import replies
from feedback.answers.replies import Answer
from feedback.cases import merging
from feedback.cases.case_lifecycle import find_case
from feedback.cases.statutory_deadlines import alarm_soon_due
from feedback.citizens.models import DataRequest
from feedback.models import Case, Citizen
from feedback.states import Way
from haichieu import audit
from haichieu.database import now
from tests.builders.cases import NUMBER, written
from tests.builders.house import House
from tests.builders.programmes import ready

ADMIN, OPERATOR, VIEWER = "admin@x.example", "operator@x.example", "viewer@x.example"
PAGE = "/data-requests"


def asked(house: House) -> list[DataRequest]:
    with house.database.session() as session:
        return list(session.scalars(sa.select(DataRequest).order_by(DataRequest.id)))


def closed(house: House, number: str) -> None:
    with house.database.session() as session:
        merging.close(session, find_case(session, number), "account:a", now())


@pytest.mark.parametrize("phone", ["0912345678", "+84 912 345 678", "0912.345.678"])
def test_request_by_number_in_any_spelling_is_filed_once(house: House, tmp_path: Path, phone: str) -> None:
    written(house, tmp_path)
    browser = house.signed_in(OPERATOR)
    assert "Không có yêu cầu nào đang chờ" in browser.get(PAGE).text
    for _ in range(2):
        assert browser.post(PAGE, do="ask", phone=phone, kind="access").status_code == 303
    (request,) = asked(house)
    assert (request.kind, request.channel, request.state) == ("access", "panel", "open")
    shown = browser.get(PAGE).text
    assert ("Mọi dữ liệu của một số điện thoại" in shown, NUMBER in shown) == (True, True)
    assert NUMBER not in house.signed_in("editor@x.example").get(PAGE).text
    assert "1 yêu cầu dữ liệu đang chờ" in browser.get("/cases").text


def test_consent_is_withdrawn_by_number_for_one_purpose(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path, agrees=True)
    browser = house.signed_in(OPERATOR)
    assert "Rút lại sự đồng ý: phát giọng nói trên loa" in browser.get(PAGE).text
    refused = browser.post(PAGE, do="ask", phone=NUMBER, kind="withdrawal:voice")
    assert (refused.status_code, "không có sự đồng ý nào" in refused.text) == (422, True)
    assert browser.post(PAGE, do="ask", phone=NUMBER, kind="withdrawal:rumour").status_code == 422
    assert browser.post(PAGE, do="ask", phone=NUMBER, kind="withdrawal:answer").status_code == 303
    (request,) = asked(house)
    assert (request.kind, request.purpose, request.state) == ("withdrawal", "answer", "done")
    shown = browser.get(PAGE).text
    assert ("có hiệu lực ngay" in shown, "Hạn theo luật là 15 ngày" in shown) == (True, True)
    assert "đã rút lại" in browser.get(f"/cases/{number}").text
    assert "Rút lại sự đồng ý: phát câu trả lời trên loa" in browser.get("/reports/registers?kind=requests").text


@pytest.mark.parametrize(
    ("phone", "why"),
    [
        ("0987 654 321", "Đài không lưu dữ liệu nào của số này"),
        ("không biết", "Không phải là số điện thoại"),
        ("09123abc", "Không phải là số điện thoại"),
        ("", "Không phải là số điện thoại"),
    ],
)
def test_unknown_number_is_said_beside_the_field(house: House, tmp_path: Path, phone: str, why: str) -> None:
    written(house, tmp_path)
    refused = house.signed_in(OPERATOR).post(PAGE, do="ask", phone=phone, kind="erasure")
    assert refused.status_code == 422
    assert 'aria-describedby="hint-phone"' in refused.text
    assert why in refused.text
    assert asked(house) == []


def test_erasure_asks_first_and_leaves_the_audit_trail(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path, agrees=True)
    admin = house.signed_in(ADMIN)
    assert admin.post(f"/cases/{number}/data-request", kind="erasure").status_code == 303
    assert admin.post(f"/cases/{number}/data-request", kind="erasure").status_code == 303
    (request,) = asked(house)
    open_case = admin.post(PAGE, do="erase", request=request.id, confirmed="yes")
    assert (open_case.status_code, "chưa giải quyết xong" in open_case.text) == (422, True)
    closed(house, number)
    unconfirmed = admin.post(PAGE, do="erase", request=request.id)
    assert (unconfirmed.status_code, "Hãy đánh dấu xác nhận" in unconfirmed.text) == (422, True)
    assert admin.post(PAGE, do="erase", request=request.id, confirmed="yes").status_code == 303
    again = admin.post(PAGE, do="erase", request=request.id, confirmed="yes")
    assert (again.status_code, "đã được giải quyết trước đó" in again.text) == (422, True)
    with house.database.session() as session:
        case = find_case(session, number)
        assert (case.citizen_id, case.search_text, [one.text for one in case.messages]) == (None, "", [""])
        assert case.history[-1].what == "erased"
        assert "citizen.erase" in [entry.action for entry in audit.find(session)]
    assert asked(house)[0].state == "done"
    nothing = admin.post(f"/cases/{number}/data-request", kind="erasure")
    assert (nothing.status_code, "không còn lưu dữ liệu" in nothing.text) == (422, True)


def test_case_under_a_legal_hold_is_not_erased(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path)
    closed(house, number)
    admin = house.signed_in(ADMIN)
    assert house.signed_in(OPERATOR).post(f"/cases/{number}/hold", do="hold", hold_reason="x").status_code == 403
    assert admin.post(f"/cases/{number}/hold", do="hold", hold_reason=" ").status_code == 422
    admin.post(f"/cases/{number}/hold", do="hold", hold_reason="Tòa án đang xét xử")
    admin.post(PAGE, do="ask", phone=NUMBER, kind="erasure")
    (request,) = asked(house)
    held = admin.post(PAGE, do="erase", request=request.id, confirmed="yes")
    assert (held.status_code, "Tòa án đang xét xử" in held.text) == (422, True)
    admin.post(f"/cases/{number}/hold", do="release")
    assert admin.post(PAGE, do="erase", request=request.id, confirmed="yes").status_code == 303
    with house.database.session() as session:
        assert session.scalars(sa.select(Citizen)).all() == []


def test_case_whose_answer_is_on_air_now_is_not_erased(house: House, tmp_path: Path) -> None:
    number, programme = written(house, tmp_path, agrees=True), ready(house)
    with house.database.session() as session:
        message = replies.answer(session, find_case(session, number), Answer("account:a", [Way.AIR], "Xong"), now())
        message.replies[0].programme_id = programme
        playing = Broadcast(zone_names="Cô Ba", priority="normal", state=BroadcastState.ON_AIR, created_at=now())
        session.add(playing)
        session.flush()
        sound = session.get_one(Programme, programme).sound_id
        session.add(BroadcastSound(broadcast_id=playing.id, position=0, media_id=sound, programme_id=programme))
        broadcast_id = playing.id
    admin = house.signed_in(ADMIN)
    admin.post(f"/cases/{number}/data-request", kind="erasure")
    request = asked(house)[0].id
    refused = admin.post(PAGE, do="erase", request=request, confirmed="yes")
    assert (refused.status_code, "đang phát trên loa" in refused.text) == (422, True)
    with house.database.session() as session:
        session.get_one(Broadcast, broadcast_id).state = BroadcastState.ENDED
    assert admin.post(PAGE, do="erase", request=request, confirmed="yes").status_code == 303


def test_copy_settles_the_request_and_contains_the_case(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path, agrees=True)
    admin = house.signed_in(ADMIN)
    admin.post(f"/cases/{number}/data-request", kind="access")
    answer = admin.post(PAGE, do="copy", request=asked(house)[0].id)
    assert (answer.status_code, answer.content_type) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        data = archive.read("data.json").decode()
        shown = archive.read("du-lieu.html").decode()
    assert f"Phản ánh {number[:4]} {number[4:]}" in shown
    assert "Đồng ý phát câu trả lời trên loa, tin nhắn" in shown
    assert "<h2>Yêu cầu về dữ liệu</h2>" in shown
    assert number in data
    assert '"purpose": "answer"' in data
    assert asked(house)[0].state == "done"


@pytest.mark.parametrize(("unit", "seen"), [("commune", True), ("other", False)])
def test_alarm_of_a_request_that_is_almost_due_is_for_its_unit(
    house: House, tmp_path: Path, unit: str, seen: bool
) -> None:
    number = written(house, tmp_path, unit=unit)
    house.signed_in("admin@district.example").post(f"/cases/{number}/data-request", kind="erasure")
    with house.database.session() as session:
        assert alarm_soon_due(session, asked(house)[0].due_at) == 1
    assert ("sắp hết hạn" in house.signed_in(OPERATOR).get("/").text) is seen


def test_refusal_needs_a_reason(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path)
    admin = house.signed_in(ADMIN)
    admin.post(f"/cases/{number}/data-request", kind="erasure")
    request = asked(house)[0].id
    assert admin.post(PAGE, do="refuse", request=request, reason=" ").status_code == 422
    assert admin.post(PAGE, do="refuse", request=request, reason="Không đúng người").status_code == 303
    assert [(one.state, one.reason) for one in asked(house)] == [("refused", "Không đúng người")]
    assert "Không đúng người" in admin.get(f"/cases/{number}").text


@pytest.mark.parametrize("unit", ["other", "district"])
def test_requests_of_other_units_are_neither_seen_nor_settled(house: House, tmp_path: Path, unit: str) -> None:
    number = written(house, tmp_path, unit=unit)
    house.signed_in("admin@district.example").post(f"/cases/{number}/data-request", kind="erasure")
    (request,) = asked(house)
    admin = house.signed_in(ADMIN)
    assert "request-" not in admin.get(PAGE).text
    assert admin.post(PAGE, do="erase", request=request.id, confirmed="yes").status_code == 404


def test_citizen_with_cases_elsewhere_needs_rights_there_too(house: House, tmp_path: Path) -> None:
    written(house, tmp_path)
    written(house, tmp_path, unit="other")
    admin = house.signed_in(ADMIN)
    admin.post(PAGE, do="ask", phone=NUMBER, kind="access")
    assert admin.post(PAGE, do="copy", request=asked(house)[0].id).status_code == 403


@pytest.mark.parametrize(
    ("email", "sees", "files"), [(OPERATOR, 200, 303), ("editor@x.example", 200, 403), (VIEWER, 403, 403)]
)
def test_rights_decide_who_sees_and_files(
    house: House, tmp_path: Path, email: str, sees: int, files: int
) -> None:  # fmt: skip
    number = written(house, tmp_path)
    browser = house.signed_in(email)
    assert browser.get(PAGE).status_code == sees
    assert browser.post(PAGE, do="ask", phone=NUMBER, kind="access").status_code == files
    house.signed_in(ADMIN).post(f"/cases/{number}/data-request", kind="erasure")
    request = asked(house)[-1].id
    assert browser.post(PAGE, do="erase", request=request, confirmed="yes").status_code == 403
    assert browser.post(PAGE, do="dance", request=request).status_code in (422, 403)
    with house.database.session() as session:
        assert session.scalars(sa.select(Case.citizen_id)).one() is not None


def test_objection_without_consent_is_recorded_and_followed(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path)
    admin = house.signed_in(ADMIN)
    before = admin.get(f"/cases/{number}").text
    assert ("Ghi ý kiến phản đối" in before, 'value="air"' in before) == (True, True)
    assert admin.post(f"/cases/{number}/data-request", kind="objection").status_code == 303
    (request,) = asked(house)
    assert "Hãy thôi dùng dữ liệu" in admin.get(PAGE).text
    shown = admin.get(f"/cases/{number}").text
    assert ("Ghi ý kiến phản đối" in shown, 'value="air"' in shown) == (False, False)
    assert admin.post(PAGE, do="settle", request=request.id).status_code == 303
    assert [one.state for one in asked(house)] == ["done"]
    assert admin.post(PAGE, do="ask", phone=NUMBER, kind="objection").status_code == 303
