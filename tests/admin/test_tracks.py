"""The two tracks on the page of a case, consents, and the registers as page and workbook."""

import datetime
import io
from pathlib import Path

import pytest
import sqlalchemy as sa

from feedback.cases.case_lifecycle import find_case
from feedback.citizens import consents, privacy
from feedback.citizens.consents import Proof
from feedback.models import Case, FormalCase
from feedback.states import ConsentForm, Purpose
from haichieu import audit
from haichieu.database import now
from haichieu.media import MediaStore
from haichieu.people import Unit
from ivr.calls.routing import Number
from tests.admin.forms import field
from tests.builders.cases import agreed, office, spoken, written
from tests.builders.days import local_day
from tests.builders.house import House
from tests.builders.sounds import stored

ADMIN, OPERATOR, EDITOR = "admin@x.example", "operator@x.example", "editor@x.example"
NAME = "Bế Thị Lan"
FIELDS = {
    "formal_name": NAME, "formal_address": "Xóm Nà Ca, xã Cô Ba", "formal_phone": "0912 345 678",
    "formal_content": "Cầu treo Nà Ca hỏng ván từ tháng trước.", "formal_received_on": "1022",
}  # fmt: skip


@pytest.fixture
def number(house: House, tmp_path: Path) -> str:
    with house.database.session() as session:
        session.add(Number(number="1022", flow="hotline", unit_id=house.units["commune"]))
        session.add(Number(number="1900", flow="official-line", unit_id=house.units["commune"]))
    return written(house, tmp_path)


def entry(house: House) -> FormalCase | None:
    with house.database.session() as session:
        return session.scalar(sa.select(FormalCase))


@pytest.mark.parametrize(
    ("missing", "value", "why"),
    [
        ("formal_name", "", "Thiếu họ và tên"),
        ("formal_address", " ", "Thiếu địa chỉ"),
        ("formal_phone", "hỏi sau", "Thiếu số điện thoại"),
        ("formal_content", "Cầu", "Ghi lại trung thực"),
        ("formal_received_on", "1900", "Chỉ nhận qua số điện thoại"),
    ],
)
def test_what_the_formal_track_misses_is_said_beside_its_field(
    house: House, number: str, missing: str, value: str, why: str
) -> None:
    browser = house.signed_in(OPERATOR)
    refused = browser.post(f"/cases/{number}/formal", **{**FIELDS, missing: value})
    assert refused.status_code == 422
    assert why in refused.text.partition(f'id="problem-{missing}"')[2][:200]
    assert NAME in refused.text or missing == "formal_name"
    assert entry(house) is None


def test_case_is_made_formal_forwarded_and_its_result_published(house: House, number: str) -> None:
    browser, page = house.signed_in(OPERATOR), f"/cases/{number}"
    assert "không chính thức" in browser.get(page).text
    assert browser.post(f"{page}/formal", **FIELDS).status_code == 303
    shown = browser.get(page).text
    assert NAME in shown
    assert "+84912345678" in shown
    assert NAME not in house.signed_in(EDITOR).get(page).text
    found = entry(house)
    assert found is not None
    assert NAME not in found.name_locked
    assert browser.post(f"{page}/formal", **FIELDS).status_code == 422
    assert browser.post(f"{page}/forward", forwarded_to="").status_code == 422
    assert browser.post(f"{page}/forward", forwarded_to="Sở Xây dựng").status_code == 303
    today = local_day(now())
    published = {"result": "Đã sửa cầu", "published_by": "air", "published_on": today.isoformat()}
    assert browser.post(f"{page}/publish", **{**published, "published_by": "rumour"}).status_code == 422
    assert browser.post(f"{page}/publish", **published).status_code == 303
    assert browser.post(f"{page}/informal", informal_reason="Nhầm").status_code == 422, "its result is published"
    with house.database.session() as session:
        steps = [one.what for one in find_case(session, number).history]
    assert steps[-3:] == ["made_formal", "forwarded", "result_published"]


def test_result_has_the_day_on_which_it_was_published(house: House, number: str) -> None:
    browser, page = house.signed_in(OPERATOR), f"/cases/{number}"
    with house.database.session() as session:
        find_case(session, number).opened_at -= datetime.timedelta(days=5)
        opened = local_day(find_case(session, number).opened_at)
    browser.post(f"{page}/formal", **FIELDS)
    shown = browser.get(page).text
    assert "không ghi tên, địa chỉ, số điện thoại" in shown
    assert f'name="published_on" type="date" required max="{local_day(now())}" value="{local_day(now())}"' in shown
    fields = {"result": "Đã sửa cầu", "published_by": "website"}
    for day in ("", "hôm qua", opened - datetime.timedelta(days=1), local_day(now()) + datetime.timedelta(days=1)):
        refused = browser.post(f"{page}/publish", **fields, published_on=str(day))
        assert refused.status_code == 422
        assert f"từ ngày tiếp nhận {opened:%d/%m/%Y}" in refused.text.partition('id="problem-published_on"')[2][:200]
    assert browser.post(f"{page}/publish", **{**fields, "result": " "}, published_on=str(opened)).status_code == 422
    assert browser.post(f"{page}/publish", **fields, published_on=str(opened)).status_code == 303
    assert f"trang thông tin điện tử, {opened:%d/%m/%Y}" in browser.get(page).text
    assert f"{opened:%d/%m/%Y}" in browser.get(f"/reports/registers?since={opened}").text


@pytest.mark.parametrize(
    "result", ["Đã sửa cầu cho bà BẾ THỊ LAN.", "Đã gọi lại số 0912.345.678", "Đã sửa; bế thị lan, xóm Nà Ca"]
)
def test_result_for_the_public_does_not_name_the_citizen(house: House, number: str, result: str) -> None:
    browser, page = house.signed_in(OPERATOR), f"/cases/{number}"
    browser.post(f"{page}/formal", **FIELDS)
    fields = {"result": result, "published_on": local_day(now()).isoformat()}
    refused = browser.post(f"{page}/publish", **fields, published_by="air")
    assert refused.status_code == 422
    assert "không được ghi tên" in refused.text.partition('id="problem-result"')[2][:200]
    assert browser.post(f"{page}/publish", **fields, published_by="letter").status_code == 303


WALK_IN = {**FIELDS, "act": "enter", "formal": "yes", "formal_received_on": ""}


def entered(house: House) -> Case:
    with house.database.session() as session:
        case = session.scalars(sa.select(Case).order_by(Case.id.desc())).first()
        assert case is not None
        assert len(case.messages) == 1
        return case


def test_visit_is_entered_in_the_formal_register_and_counted_as_one(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    assert "Ghi phản ánh của người đến trực tiếp" in browser.get("/cases").text
    answer = browser.post("/cases", **{**WALK_IN, "unit": unit_code(house)})
    case = entered(house)
    assert (answer.status_code, answer.location) == (303, f"/cases/{case.number}")
    assert (case.channel, case.unit_by, case.messages[0].text) == (
        "visit", f"account:{OPERATOR}", FIELDS["formal_content"]
    )  # fmt: skip
    shown = browser.get(f"/cases/{case.number}").text
    assert all(one in shown for one in (NAME, "+84912345678", "đến trực tiếp", f"{case.number[:4]} {case.number[4:]}"))
    assert case.number in browser.get("/cases?channel=visit").text
    register = browser.get("/reports/registers").text
    assert (NAME in register, register.count("đến trực tiếp")) == (True, 2)
    assert "đến trực tiếp" in browser.get("/reports?view=tables").text


def test_visit_is_entered_only_in_a_unit_that_still_exists(house: House) -> None:
    with house.database.session() as session:
        merged = session.get_one(Unit, house.units["village"])
        merged.retired_at, code = now(), merged.code
    above, _, form = house.signed_in(OPERATOR).get("/cases").text.partition('id="enter-unit"')
    assert (f'value="{code}"' in above, f'value="{code}"' in form.partition("</select>")[0]) == (True, False)


def test_registers_are_reached_from_the_list_and_from_every_case(house: House, number: str) -> None:
    browser = house.signed_in(OPERATOR)
    assert 'href="/reports/registers"' in browser.get("/cases").text.partition("<h1>")[2]
    assert 'href="/reports/registers?kind=informal"' in browser.get(f"/cases/{number}").text


def test_informal_visit_needs_its_content_only(house: House) -> None:
    browser, unit = house.signed_in(EDITOR), unit_code(house)
    shown = browser.get("/cases").text
    assert ('name="formal"' in shown, 'name="formal_name"' in shown, 'name="formal_phone"' in shown) == (
        False, False, True,
    )  # fmt: skip
    assert browser.post("/cases", act="enter", unit=unit, formal_content=FIELDS["formal_content"]).status_code == 303
    case = entered(house)
    assert (case.channel, case.citizen_id, entry(house)) == ("visit", None, None)
    assert house.signed_in(OPERATOR).post(f"/cases/{case.number}/formal", **FIELDS).status_code == 303


@pytest.mark.parametrize(
    ("fields", "field", "why"),
    [
        ({"formal_phone": ""}, "formal_phone", "Thiếu số điện thoại"),
        ({"formal_address": ""}, "formal_address", "Thiếu địa chỉ"),
        ({"formal": ""}, "formal_name", "chỉ được lưu trong sổ chính thức"),
        ({"formal": "", "formal_content": "Cầu"}, "formal_content", "Ghi lại trung thực"),
        ({"formal": "", "formal_phone": "hỏi sau"}, "formal_phone", "số không đúng"),
    ],
)
def test_what_is_wrong_with_a_visit_is_said_beside_its_field(
    house: House, fields: dict[str, str], field: str, why: str
) -> None:
    refused = house.signed_in(OPERATOR).post("/cases", **{**WALK_IN, "unit": unit_code(house), **fields})
    assert refused.status_code == 422
    assert why in refused.text.partition(f'id="problem-{field}"')[2][:200]
    assert FIELDS["formal_address"] in refused.text or field == "formal_address"
    with house.database.session() as session:
        assert session.scalars(sa.select(Case)).all() == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"unit": ""}, "Hãy chọn một đơn vị trong phạm vi của bạn: Đơn vị commune"),
        ({"unit": "XX"}, "Hãy chọn một đơn vị trong phạm vi của bạn: Đơn vị commune"),
        ({"category": "9"}, "Hãy chọn một trong các lĩnh vực: Hạ tầng, điện, nước; Chính sách, chế độ"),
    ],
)
def test_refusal_of_an_unknown_place_or_category_names_those_there_are(
    house: House, tmp_path: Path, fields: dict[str, str], why: str
) -> None:
    browser, number = house.signed_in(OPERATOR), written(house, tmp_path)
    with house.database.session() as session:
        office(session)
    entering = browser.post("/cases", **{**WALK_IN, "unit": unit_code(house), **fields})
    assert (entering.status_code, why in entering.text) == (422, True)
    if any(fields.values()):
        assigning = browser.post(f"/cases/{number}/assign", **fields)
        assert (assigning.status_code, why in assigning.text) == (422, True)


def test_rights_decide_who_enters_visits(house: House) -> None:
    other = {**WALK_IN, "unit": unit_code(house, "other")}
    assert house.signed_in(OPERATOR).post("/cases", **other).status_code == 403
    assert house.signed_in(EDITOR).post("/cases", **{**WALK_IN, "unit": unit_code(house)}).status_code == 403
    assert house.signed_in("viewer@x.example").post("/cases", **WALK_IN).status_code == 403


def unit_code(house: House, unit: str = "commune") -> str:
    with house.database.session() as session:
        return session.get_one(Unit, house.units[unit]).code


def test_case_goes_back_with_a_reason(house: House, number: str) -> None:
    browser, page = house.signed_in(OPERATOR), f"/cases/{number}"
    browser.post(f"{page}/formal", **FIELDS)
    assert browser.post(f"{page}/informal", informal_reason=" ").status_code == 422
    assert browser.post(f"{page}/informal", informal_reason="Không đủ căn cứ").status_code == 303
    assert entry(house) is None
    shown = browser.get(page).text
    assert "Không đủ căn cứ" in shown
    assert NAME not in shown
    assert browser.post(f"{page}/forward", forwarded_to="Sở Xây dựng").status_code == 422


def test_only_users_who_see_numbers_make_a_case_formal(house: House, number: str) -> None:
    browser = house.signed_in(EDITOR)
    assert "/formal" not in browser.get(f"/cases/{number}").text
    assert browser.post(f"/cases/{number}/formal", **FIELDS).status_code == 403


def test_case_in_another_language_stays_informal(house: House, number: str) -> None:
    with house.database.session() as session:
        find_case(session, number).language = "tay"
    refused = house.signed_in(OPERATOR).post(f"/cases/{number}/formal", **FIELDS)
    assert (refused.status_code, "phải bằng tiếng Việt" in refused.text) == (422, True)


def test_registers_show_and_export_the_columns_of_the_decree(house: House, number: str) -> None:
    browser = house.signed_in(OPERATOR)
    assert "Không có phản ánh chính thức nào" in browser.get("/reports/registers").text
    browser.post(f"/cases/{number}/formal", **FIELDS)
    browser.post(f"/cases/{number}/data-request", kind="erasure")
    shown = browser.get("/reports/registers").text
    assert all(one in shown for one in (NAME, number, "Cơ quan có thẩm quyền", "Ngày công bố"))
    assert NAME not in house.signed_in(EDITOR).get("/reports/registers").text
    assert number not in browser.get("/reports/registers?kind=informal").text
    assert "Yêu cầu xóa dữ liệu" in browser.get("/reports/registers?kind=requests").text
    assert number not in browser.get("/reports/registers?since=2001-01-01&until=2001-01-31").text
    assert browser.get("/reports/registers?kind=nonsense&since=x").status_code == 200
    assert house.signed_in("viewer@x.example").get("/reports/registers").status_code == 403
    for kind in ("formal", "informal", "requests"):
        book = browser.get(f"/reports/registers?as=xlsx&kind={kind}")
        assert book.status_code == 200
        assert book.data.startswith(b"PK")
        assert io.BytesIO(book.data).getbuffer().nbytes > 2000


def test_consent_is_played_and_withdrawn_on_the_page_of_the_case(
    house: House, tmp_path: Path, store: MediaStore
) -> None:
    number = written(house, tmp_path)
    browser, page = house.signed_in(OPERATOR), f"/cases/{number}"
    assert "không được nêu ai đã phản ánh" in browser.get(page).text
    with house.database.session() as session:
        sound = stored(session, store, b"\x01\x02" * 8000)
        consents.give(session, find_case(session, number), Purpose.ANSWER_ON_AIR, Proof(ConsentForm.CALL, sound), now())
        sound_id = sound.id
    shown = browser.get(page).text
    assert 'value="air"' in shown
    assert f"/sounds/{sound_id}" in shown
    assert browser.get(f"/sounds/{sound_id}").status_code == 200
    assert house.signed_in("viewer@x.example").get(f"/sounds/{sound_id}").status_code == 404
    assert browser.post(f"{page}/data-request", kind="withdrawal").status_code == 303
    assert 'value="air"' not in browser.get(page).text
    mark = field(browser.get(page).text, "based_on")
    refused = browser.post(f"{page}/answer", page=page, based_on=mark, answer="Xong", way="air", step="send")
    assert (refused.status_code, "rút lại sự đồng ý" in refused.text) == (422, True)
    assert browser.post(f"{page}/data-request", kind="withdrawal").status_code == 422


def test_official_enters_consents_given_by_hand_and_withdraws_one(
    house: House, tmp_path: Path, store: MediaStore
) -> None:
    number, _, _ = spoken(house, store)
    browser, page = house.signed_in(OPERATOR), f"/cases/{number}"
    assert "/consent" not in house.signed_in("viewer@x.example").get(page).text
    for fields, why in (
        ({"given": "oral"}, "đánh dấu ít nhất một việc"),
        ({"purpose": "voice"}, "bằng cách nào"),
        ({"purpose": "voice", "given": "call"}, "bằng cách nào"),
    ):
        refused = browser.post(f"{page}/consent", **fields)
        assert (refused.status_code, why in refused.text) == (422, True)
    assert browser.post(f"{page}/consent", purpose=["answer", "voice"], given="paper").status_code == 303
    shown = browser.get(page).text
    assert ("ký trên giấy, người nhận:" in shown, "không ghi âm" in shown) == (True, True)
    assert 'name="with_voice"' in shown
    with house.database.session() as session:
        case = find_case(session, number)
        taken = [(one.purpose, one.form, one.taken_by) for one in consents.consents_of(session, case)]
        assert taken == [(one, "paper", f"account:{OPERATOR}") for one in ("answer", "voice")]
        assert [one.actor for one in case.history if one.what == "consented"] == [f"account:{OPERATOR}"] * 2
        assert "case.consented" in [entry.action for entry in audit.find(session)]
    assert browser.post(f"{page}/data-request", kind="withdrawal", purpose="voice").status_code == 303
    shown = browser.get(page).text
    assert ('name="with_voice"' in shown, 'value="air"' in shown, "Rút lại: phát câu trả lời" in shown) == (
        False, True, True,
    )  # fmt: skip


def test_nothing_is_consented_to_in_an_erased_case(house: House, tmp_path: Path, store: MediaStore) -> None:
    number = written(house, tmp_path)
    with house.database.session() as session:
        privacy.empty_cases(session, store, [find_case(session, number)], now())
    refused = house.signed_in(OPERATOR).post(f"/cases/{number}/consent", purpose="answer", given="oral")
    assert (refused.status_code, "không còn lưu dữ liệu" in refused.text) == (422, True)


def test_voice_on_air_is_offered_only_with_its_own_consent(house: House, store: MediaStore) -> None:
    number, _, _ = spoken(house, store)
    browser, page = house.signed_in(OPERATOR), f"/cases/{number}"
    assert 'name="with_voice"' not in browser.get(page).text
    mark = field(browser.get(page).text.partition("/answer")[2], "based_on")
    fields = {"based_on": mark, "answer": "Xong", "way": "air", "with_voice": "yes", "step": "send"}
    assert browser.post(f"{page}/answer", page=page, **fields).status_code == 422
    with house.database.session() as session:
        agreed(session, session.scalars(sa.select(Case)).one(), Purpose.VOICE_ON_AIR)
    assert 'name="with_voice"' in browser.get(page).text
    assert browser.post(f"{page}/answer", page=page, **fields).status_code == 303
    with house.database.session() as session:
        assert find_case(session, number).messages[-1].replies[0].with_voice
