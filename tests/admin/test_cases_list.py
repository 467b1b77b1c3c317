"""The list of cases: tabs, filters in the address, export, and acts for several cases."""

import csv
import datetime
import io
import re
import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest

from feedback.cases.case_lifecycle import find_case
from feedback.models import Category, Department
from haichieu.database import now
from haichieu.people import Account
from haichieu.spreadsheet_cells import harmless
from tests.builders.accounts import EDITOR, OPERATOR, VIEWER
from tests.builders.cases import NUMBER, index, written
from tests.builders.house import House

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def test_the_inbox_shows_ones_own_cases_and_filters_them_by_the_address(house: House, tmp_path: Path) -> None:
    bridge, other = written(house, tmp_path), written(house, tmp_path, "Cầu khác", unit="other")
    power = written(house, tmp_path, "Mất điện", unit="village")
    browser = house.signed_in(OPERATOR)
    everything = browser.get("/cases").text
    assert bridge[:4] in everything
    assert power[:4] in everything
    assert f"/cases/{other}" not in everything
    for address, shown in (
        ("?q=cau", {bridge}), ("?q=cầu treo", {bridge}), ("?q=dien", {power}), ("?unit=VILLAGE", {power}),
        ("?status=new", {bridge, power}), ("?status=closed", set()), ("?tab=mine", set()), ("?tab=overdue", set()),
        ("?channel=call", set()), ("?channel=text", {bridge, power}), ("?unit=OTHER", {bridge, power}),
        ("?status=' OR 1=1&after=x,y&category=9", {bridge, power}), (f"?q={'ê' * 10_000}", set()),
        ("?q=%00", {bridge, power}), ("?after=9999-99-99,1", {bridge, power}),
    ):  # fmt: skip
        index(house)
        page = browser.get(f"/cases{address}")
        assert page.status_code == 200
        assert set(re.findall(r'id="case-(\d{8})"', page.text)) == shown, address


def test_pages_follow_one_another_and_keep_the_filter(house: House, tmp_path: Path) -> None:
    numbers = [written(house, tmp_path, unit="village") for _ in range(51)]
    browser = house.signed_in(OPERATOR)
    first = browser.get("/cases?unit=VILLAGE").text
    older = re.search(r'data-older href="([^"]+)"', first)
    assert older
    assert "unit=VILLAGE" in older[1]
    second = browser.get(older[1].replace("&amp;", "&")).text
    seen = [re.findall(r'id="case-(\d{8})"', page) for page in (first, second)]
    assert [len(page) for page in seen] == [50, 1]
    assert {number for page in seen for number in page} == set(numbers)
    assert "data-older" not in second


def test_tabs_count_and_show_what_waits_is_mine_or_overdue(house: House, tmp_path: Path) -> None:
    late, mine, closed, merged = (written(house, tmp_path, f"Việc {one}") for one in range(4))
    written(house, tmp_path, unit="other")
    with house.database.session() as session:
        cases = {number: find_case(session, number) for number in (late, mine, closed, merged)}
        cases[late].due_at = now() - datetime.timedelta(days=1)
        cases[mine].assignee = session.query(Account).filter_by(email=OPERATOR).one()
        cases[closed].status = "closed"
        cases[merged].duplicate_of_id = cases[mine].id
    browser = house.signed_in(OPERATOR)
    for address, tab, shown in (
        ("", "Chờ xử lý", [late, mine]), ("?tab=mine", "Của tôi", [mine]), ("?tab=overdue", "Quá hạn", [late]),
        ("?tab=all", "Tất cả", [merged, closed, mine, late]), ("?tab=all&sort=due&status=new", "Tất cả", None),
        ("?status=closed", "Tất cả", [closed]), ("?tab=nothing", "Chờ xử lý", [late, mine]),
        ("?tab=waiting&status=closed&sort=newest", "Chờ xử lý", [mine, late]),
    ):  # fmt: skip
        page = browser.get(f"/cases{address}").text
        assert re.search(rf'aria-current="page">{tab} <b>', page), address
        if shown is not None:
            assert re.findall(r'id="case-(\d{8})"', page) == shown, address
        counted = re.findall(r"(Chờ xử lý|Của tôi|Quá hạn|Tất cả) <b>(\d+)</b>", page)
        assert counted == [("Chờ xử lý", "2"), ("Của tôi", "1"), ("Quá hạn", "1"), ("Tất cả", "4")]


def test_a_list_survives_a_case_and_the_way_back(house: House, tmp_path: Path) -> None:
    numbers = [written(house, tmp_path, f"Cầu {one}", unit="village") for one in range(3)]
    browser, query = house.signed_in(OPERATOR), "tab=all&amp;q=cau&amp;unit=VILLAGE"
    index(house)
    page = browser.get("/cases?tab=all&q=cau&unit=VILLAGE&after=2099-01-01T00:00:00%2B00:00,9").text
    middle = re.search(rf'id="case-{numbers[1]}" href="([^"]+)"', page)
    assert middle
    assert query in middle[1]
    assert "after=" in middle[1]
    shown = browser.get(middle[1].replace("&amp;", "&")).text
    for key, number in (("k", numbers[2]), ("j", numbers[0])):
        assert re.search(rf'aria-keyshortcuts="{key}" href="/cases/{number}\?{query}&amp;after=', shown)
    assert re.search(rf'href="/cases\?{query}&amp;after=[^"]+#case-{numbers[1]}"', shown)
    form = re.search(r'action="(/cases/\d+/notes[^"]*)"', shown)
    assert form
    led = browser.post(form[1].replace("&amp;", "&"), page="/account", note="Đã gọi").location
    assert led.startswith(f"/cases/{numbers[1]}?tab=all&q=cau&unit=VILLAGE&after=")


@pytest.mark.parametrize("query", ["_scheme=javascript", "_external=1", "_anchor=x", "number=1", "step=x", "_method=x"])
def test_an_address_with_other_parameters_leads_nowhere_else(house: House, tmp_path: Path, query: str) -> None:
    number = written(house, tmp_path)
    led = house.signed_in(OPERATOR).post(f"/cases/{number}/notes?{query}", page="/account", note="Đã gọi")
    assert (led.status_code, led.location) == (303, f"/cases/{number}")


def test_cases_are_found_by_the_citizens_number_with_the_right_to_see_it(house: House, tmp_path: Path) -> None:
    theirs, other = written(house, tmp_path), written(house, tmp_path, "Mất điện", known=False)
    index(house)
    for typed in ("0912345678", "0912 345 678", "+84 912.345.678"):
        page = house.signed_in(OPERATOR).get(f"/cases?q={quote(typed)}").text
        assert theirs[:4] in page, typed
        assert f"case-{other}" not in page
        assert f"case-{theirs}" not in house.signed_in(EDITOR).get(f"/cases?q={quote(typed)}").text
    assert "số điện thoại" in house.signed_in(OPERATOR).get("/cases").text
    assert "số điện thoại" not in house.signed_in(EDITOR).get("/cases").text


@pytest.mark.parametrize("typed", ["CẦU TREO", "cau treo", "cầu treo"])
def test_words_are_found_whatever_their_case_marks_and_form(house: House, tmp_path: Path, typed: str) -> None:
    number = written(house, tmp_path, unicodedata.normalize("NFD", "Cầu Treo bị hỏng"))
    index(house)
    for form in ("NFC", "NFD"):
        words = unicodedata.normalize(form, typed)  # type: ignore[arg-type]
        assert f"case-{number}" in house.signed_in(OPERATOR).get(f"/cases?q={quote(words)}").text


def test_an_empty_list_says_why_and_where_to_look(house: House, tmp_path: Path) -> None:
    browser = house.signed_in(OPERATOR)
    assert "Chưa có phản ánh nào" in browser.get("/cases").text
    number = written(house, tmp_path, "Cầu hỏng")
    index(house)
    assert "Không có phản ánh nào quá hạn" in browser.get("/cases?tab=overdue").text
    assert "giao cho bạn" in browser.get("/cases?tab=mine").text
    browser.post(f"/cases/{number}/close", page="/account")
    assert "Không có phản ánh nào chờ trả lời" in browser.get("/cases").text
    page = browser.get("/cases?q=cau").text
    assert "/cases?tab=all&amp;q=cau" in page
    assert f"case-{number}" in browser.get("/cases?tab=all&q=cau").text
    assert "Không có phản ánh nào phù hợp" in browser.get("/cases?tab=all&q=khongco").text


def test_a_page_that_updates_itself_gets_the_list_alone(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path)
    part = house.signed_in(OPERATOR).get("/cases?q=", **{"HX-Request": "true"}).text
    assert f"case-{number}" in part
    assert "<html" not in part
    assert "csrf_token" not in part


def test_units_are_chosen_with_the_name_of_the_one_above(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path, unit="village")
    browser = house.signed_in(OPERATOR)
    for page in ("/cases", f"/cases/{number}"):
        assert ">Đơn vị village (Đơn vị commune)</option>" in browser.get(page).text


def test_several_cases_are_assigned_and_closed_and_refusals_explained(house: House, tmp_path: Path) -> None:
    first, second, closed = (written(house, tmp_path, unit=unit) for unit in ("commune", "village", "commune"))
    elsewhere = written(house, tmp_path, unit="other")
    with house.database.session() as session:
        village = session.query(Account).filter_by(email=EDITOR).one()
        village.unit_id = house.units["village"]
    browser = house.signed_in(OPERATOR)
    browser.post(f"/cases/{closed}/close", page="/account")
    chosen = [first, second, closed, elsewhere, "12345678", second]
    given = browser.post("/cases?tab=all", page="/cases", case=chosen, act="assign", to=f"account:{OPERATOR}")
    assert given.location == "/cases?tab=all"
    page = browser.get("/cases?tab=all").text
    assert "Đã giao 2 phản ánh." in page
    assert f"Không làm được với {closed[:4]} {closed[4:]}. Không làm được khi phản ánh ở trạng thái: đã đóng." in page
    assert f"Không làm được với {elsewhere[:4]} {elsewhere[4:]}." in page
    browser.post("/cases", page="/cases", case=[first, second], act="assign", to=f"account:{EDITOR}")
    page = browser.get("/cases").text
    assert "Đã giao 1 phản ánh." in page
    assert f"Không làm được với {first[:4]} {first[4:]}." in page
    close = {"case": [first, closed], "act": "close"}
    for fields, why in (({}, "lý do"), ({"reason": "Trùng nhau"}, "xác nhận"), ({"confirmed": "yes"}, "lý do")):
        refused = browser.post("/cases", page="/cases", **close, **fields)
        assert refused.status_code == 422
        assert why in refused.text
        assert f'value="{first}" checked' in refused.text
        assert fields.get("reason", "") in refused.text
    done = browser.post("/cases", page="/cases", **close, reason="Trùng nhau", confirmed="yes")
    assert done.status_code == 303
    with house.database.session() as session:
        assert find_case(session, second).assignee_id == find_case(session, second).assignee_id is not None
        assert find_case(session, first).status == "closed"
        assert [one.text for one in find_case(session, first).messages if one.direction == "note"] == ["Trùng nhau"]
        assert [one.direction for one in find_case(session, closed).messages] == ["in"]
        assert find_case(session, elsewhere).status == "new"


def test_several_cases_are_merged_into_the_one_opened_first(house: House, tmp_path: Path) -> None:
    first, second, third = (written(house, tmp_path, unit=unit) for unit in ("village", "commune", "commune"))
    elsewhere = written(house, tmp_path, unit="other")
    with house.database.session() as session:
        find_case(session, first).opened_at -= datetime.timedelta(hours=1)
    browser = house.signed_in(OPERATOR)
    for alone in ([first], [first, elsewhere], [first, "12345678"]):
        refused = browser.post("/cases", page="/cases", case=alone, act="merge")
        assert (refused.status_code, "ít nhất hai phản ánh" in refused.text) == (422, True)
    chosen = [third, first, second, elsewhere]
    assert browser.post("/cases?tab=all", page="/cases", case=chosen, act="merge").location == "/cases?tab=all"
    page = browser.get("/cases?tab=all").text
    assert f"Đã gộp 2 phản ánh vào phản ánh {first[:4]} {first[4:]}." in page
    assert f"Không làm được với {elsewhere[:4]} {elsewhere[4:]}." in page
    browser.post("/cases", page="/cases", case=[first, second], act="merge")
    assert "đã được gộp" in browser.get("/cases").text
    with house.database.session() as session:
        main = find_case(session, first)
        assert {find_case(session, one).duplicate_of_id for one in (second, third)} == {main.id}
        assert (main.duplicate_of_id, find_case(session, elsewhere).duplicate_of_id) == (None, None)
    browser.post(f"/cases/{second}/merge", page=f"/cases/{second}", what="apart")
    with house.database.session() as session:
        assert find_case(session, second).duplicate_of_id is None


def test_acts_for_several_cases_that_name_none_or_nobody_are_refused(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path)
    browser = house.signed_in(OPERATOR)
    for fields, why in (
        ({"act": "assign", "to": f"account:{OPERATOR}"}, "Chưa chọn phản ánh"),
        ({"act": "assign", "case": number}, "Hãy chọn người"),
        ({"act": "assign", "case": number, "to": f"account:{VIEWER}"}, "Hãy chọn người"),
        ({"act": "assign", "case": number, "to": "department:x"}, "Hãy chọn người"),
        ({"act": "burn", "case": number}, "Hãy chọn người"),
    ):
        refused = browser.post("/cases", page="/cases", **fields)
        assert refused.status_code == 422
        assert why in refused.text
    assert 'id="bulk"' not in house.signed_in("approver@x.example").get("/cases").text
    assert "pick-" not in house.signed_in("approver@x.example").get("/cases").text


def test_the_export_contains_the_filtered_cases_and_no_formula(house: House, tmp_path: Path) -> None:
    with house.database.session() as session:
        works = Department(code="x", name="=cmd|' /C calc'!A1")
        session.add(Category(code="1", name="@SUM(1)", department=works, answer_within_days=5))
    number = written(house, tmp_path)
    written(house, tmp_path, unit="village")
    written(house, tmp_path, unit="other")
    browser = house.signed_in(EDITOR)
    browser.post(f"/cases/{number}/assign", page=f"/cases/{number}", category="1")
    answer = browser.get("/cases/export?unit=COMMUNE&category=1")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=phan-anh-")
    table = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["number"] for row in table] == [number]
    assert (table[0]["category"], table[0]["department"]) == ("'@SUM(1)", "'=cmd|' /C calc'!A1")
    assert NUMBER not in answer.text
    assert [harmless(cell) for cell in ("+1", "-1", "\tx", " =x", "＝x", "xã")] == [
        "'+1", "'-1", "'\tx", "' =x", "'＝x", "xã",
    ]  # fmt: skip
