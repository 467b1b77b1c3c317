"""The two tracks on the page of a case, consents, and the registers as page and workbook."""

import io
from pathlib import Path

import pytest
import sqlalchemy as sa

from feedback.cases.case_lifecycle import find_case
from feedback.citizens import consents
from feedback.citizens.consents import Proof
from feedback.models import Case, FormalCase
from feedback.states import Channel, Purpose
from haichieu.database import now
from haichieu.media import MediaStore
from ivr.calls.routing import Number
from tests.admin.forms import field
from tests.builders.cases import agreed, spoken, written
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
    assert browser.post(f"{page}/publish", result="Đã sửa cầu", published_by="rumour").status_code == 422
    assert browser.post(f"{page}/publish", result="Đã sửa cầu", published_by="air").status_code == 303
    assert browser.post(f"{page}/informal", informal_reason="Nhầm").status_code == 422, "its result is published"
    with house.database.session() as session:
        steps = [one.what for one in find_case(session, number).history]
    assert steps[-3:] == ["made_formal", "forwarded", "result_published"]


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
        consents.give(session, find_case(session, number), Purpose.ANSWER_ON_AIR, Proof(Channel.CALL, sound), now())
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
