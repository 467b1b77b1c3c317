"""The reports: what they show to whom, as page, workbook and API, and what they say when there is nothing."""

import re

import pytest

from admin.reports.figures import figures
from admin.reports.plots import MOST_BARS, plot
from broadcast_bridge.broadcasts.broadcast_reports import counts_of_all
from haichieu.database import now
from haichieu.people import Unit
from haichieu.periods import period_of
from tests.builders.broadcasts import aired, something_of_everything
from tests.builders.house import House
from tests.builders.workbooks import words_of_workbook

VIEWER = "viewer@x.example"


def test_reports_on_nothing_say_so(house: House) -> None:
    shown = house.signed_in(VIEWER).get("/reports?since=2020-01-01&until=2020-01-31")
    assert "Từ 01/01/2020 đến 31/01/2020" in shown.text
    for words in ("Không có buổi phát nào", "Không có phản ánh nào", "Chưa có ai trả lời"):
        assert words in shown.text
    assert "preserveAspectRatio" not in shown.text
    assert house.signed_in(VIEWER).get("/reports?as=xlsx&since=2020-01-01&until=2020-01-31").status_code == 200


def test_reports_answer_each_question_with_figures_and_one_chart(house: House) -> None:
    with house.database.session() as session:
        something_of_everything(session, house.units)
        aired(session, {"loa-other": "played"}, zone="14")
    shown = house.signed_in(VIEWER).get("/reports").text
    assert "1 buổi phát; loa đã phát 1/2 lượt (50%)" in shown
    assert "Loa kết nối 50% thời gian theo dõi; 1 cụm loa dưới 90%" in shown
    assert "Đã trả lời 0/1 phản ánh; 0 đang quá hạn" in shown
    assert "1/1 lượt trả lời là có ích" in shown
    assert shown.count('class="bars"') == 5
    assert "Nông nghiệp" in shown


def test_reports_name_the_commune_of_villages_and_stay_in_own_units(house: House) -> None:
    with house.database.session() as session:
        something_of_everything(session, house.units)
        aired(session, {"loa-other": "played"}, zone="14")
    shown = house.signed_in(VIEWER).get("/reports").text
    assert "Đơn vị village (Đơn vị commune)" in shown
    assert not re.search(r"Đơn vị village(?! \(Đơn vị commune\))", shown)
    assert "Đơn vị other" not in shown
    above = house.signed_in("viewer@district.example")
    assert "Đơn vị other" in above.get("/reports").text
    assert "Đơn vị other" not in above.get("/reports?unit=COMMUNE").text.split("</form>")[-1]
    assert "Đơn vị commune</th>" not in house.signed_in(VIEWER).get("/reports?unit=OTHER").text


def test_a_commune_total_counts_a_broadcast_in_several_villages_once(house: House) -> None:
    with house.database.session() as session:
        aired(session, {"loa-commune": "played", "loa-village": "missed"})
        aired(session, {"loa-commune": "played", "loa-other": "played"})
        days = period_of(None, None, "Asia/Ho_Chi_Minh", now())
        found = figures(session, set(house.units.values()), days, now())
        mine = figures(session, {house.units["village"]}, days, now())
    assert [(one.unit.code, one.broadcasts, one.heard, one.deliveries) for one in found.by_commune] == [
        ("COMMUNE", 2, 2, 3), ("OTHER", 1, 1, 1),
    ]  # fmt: skip
    assert [one.unit.code for one in mine.by_commune] == ["VILLAGE"]
    assert counts_of_all(found.by_category).broadcasts == 2
    shown = house.signed_in("viewer@district.example").get("/reports").text
    assert "2 buổi phát; loa đã phát 3/4 lượt (75%)" in shown
    assert re.search(r'<tfoot class="total">\s*<tr><th[^>]*>Tổng cộng', shown)


@pytest.mark.parametrize("odd", ["since=never&until=9999-12-31", "since=0001-01-01", "unit=%00", "until=1"])
def test_odd_days_break_nothing(house: House, odd: str) -> None:
    assert house.signed_in(VIEWER).get(f"/reports?{odd}").status_code == 200


def test_the_workbook_contains_strings_and_numbers_and_no_formula(house: House) -> None:
    with house.database.session() as session:
        something_of_everything(session, house.units)
        session.get_one(Unit, house.units["village"]).name = "=HYPERLINK(A1)"
    answer = house.signed_in(VIEWER).get("/reports?as=xlsx")
    strings, sheets = words_of_workbook(answer.data)
    assert answer.content_type.endswith("spreadsheetml.sheet")
    assert "Nông nghiệp" in strings
    assert "=HYPERLINK(A1)" in strings
    assert "<f>" not in sheets
    assert "<v>20.6</v>" in sheets


def test_the_api_reports_by_the_same_functions(house: House) -> None:
    with house.database.session() as session:
        something_of_everything(session, house.units)
        aired(session, {"loa-other": "played"}, zone="14")
    client, token = house.app.test_client(), house.token(VIEWER)

    def report(name: str) -> dict:  # type: ignore[type-arg]
        answer = client.get(f"/api/v1/reports/{name}", headers=token)
        assert answer.status_code == 200
        return answer.json or {}

    broadcasts, cases = report("broadcasts"), report("cases")
    assert {row["unit"]: row["reach"] for row in broadcasts["items"]} == {"COMMUNE": 1.0, "VILLAGE": 0.0}
    assert [(row["category"], row["broadcasts"]) for row in broadcasts["categories"]] == [("Nông nghiệp", 1)]
    assert [(row["speaker"], row["share"]) for row in report("availability")["items"]] == [
        ("loa-village", 0.0), ("loa-commune", 1.0),
    ]  # fmt: skip
    assert (cases["total"]["opened"], cases["items"][0]["code"]) == (1, "VILLAGE")
    assert [(row["title"], row["useful"]) for row in report("survey")["items"]] == [("Nông vụ", 1)]
    assert client.get("/api/v1/reports/cases?since=never", headers=token).status_code == 422


def test_a_plot_draws_the_first_bars_and_says_the_rest_are_missing(house: House) -> None:
    with house.app.test_request_context():
        drawn = plot("Phản ánh", [(f"Xã {number}", number, 2 * number) for number in range(31)])
        shares = plot("Kết nối", [("Xã", 1.0, 4.0)], percent=True)
    assert drawn is not None
    assert shares is not None
    assert (len(drawn.bars), drawn.left_out) == (MOST_BARS, 20)
    assert [(bar.figure, bar.width, bar.ground) for bar in drawn.bars[:1]] == [("1/2", 1.7, 3.3)]
    assert [(bar.figure, bar.width, bar.ground) for bar in shares.bars] == [("25,0%", 25.0, 100.0)]
    assert plot("Phút", [("Xã", 0.0, 0.0)]) is None


def test_reach_counts_the_households_of_villages_that_heard(house: House) -> None:
    with house.database.session() as session:
        session.get_one(Unit, house.units["village"]).households = 100
        session.get_one(Unit, house.units["commune"]).households = 300
        aired(session, {"loa-commune": "played", "loa-village": "missed"})
        aired(session, {"loa-commune": "played", "loa-village": "played"})
    shown = house.signed_in(VIEWER).get("/reports").text
    assert "400/400 hộ ở thôn có loa. Bình quân mỗi buổi phát đến được 87,5% số hộ cần nghe." in shown
    strings, _ = words_of_workbook(house.signed_in(VIEWER).get("/reports?as=xlsx").data)
    for words in ("Hộ nghe được", "Số hộ nghe được bình quân", "Công khai bắt buộc", "Hài lòng với trả lời"):
        assert words in strings, words


def test_a_merged_village_has_no_households_any_more(house: House) -> None:
    with house.database.session() as session:
        for name, households in (("village", 100), ("commune", 300)):
            session.get_one(Unit, house.units[name]).households = households
        session.get_one(Unit, house.units["village"]).retired_at = now()
        aired(session, {"loa-commune": "played"})
    browser = house.signed_in("admin@x.example")
    assert "300/300 hộ" in browser.get("/reports").text
    assert "Đơn vị village" not in browser.get("/reports?view=page").text.split("Số hộ của từng thôn")[-1]
    for page in ("/reports", "/reports/registers", "/broadcasts"):
        assert re.search(r"\(VILLAGE\) – đã sáp nhập</option>", browser.get(page).text), page


def test_speakers_that_never_were_online_are_counted_apart(house: House) -> None:
    with house.database.session() as session:
        something_of_everything(session, house.units)
    shown = house.signed_in("viewer@district.example").get("/reports").text
    assert re.search(r"cụm loa dưới 90%; \d cụm loa chưa từng kết nối", shown)


def test_one_page_answers_every_question_and_offers_the_file(house: House) -> None:
    with house.database.session() as session:
        something_of_everything(session, house.units)
    shown = house.signed_in(VIEWER).get("/reports?view=page").text
    for words in (
        "Bao nhiêu hộ nghe được?",
        "Đã công khai đủ theo luật chưa?",
        "Người dân có hài lòng",
        "/reports?as=xlsx",
    ):
        assert words in shown, words
    assert 'name="households-' not in shown
    assert re.search(r"Từ [\d/]+ đến [\d/]+ · <span[^>]*>Đơn vị commune</span>", shown)


def test_reach_says_how_many_villages_are_left_out(house: House) -> None:
    with house.database.session() as session:
        session.get_one(Unit, house.units["commune"]).households = 300
        aired(session, {"loa-commune": "played", "loa-village": "missed"})
    shown = house.signed_in(VIEWER).get("/reports").text
    assert "300/300 hộ ở thôn có loa." in shown
    assert "Chưa tính 1 thôn có loa vì chưa nhập số hộ." in shown


def test_households_of_a_commune_without_villages_are_entered_too(house: House) -> None:
    shown = house.signed_in("admin@district.example").get("/reports?view=page").text
    listed = [name for name, unit in house.units.items() if f'name="households-{unit}"' in shown]
    assert listed == ["village", "other"]


def test_households_are_entered_by_village_and_mistakes_are_shown(house: House) -> None:
    admin, village = house.signed_in("admin@x.example"), house.units["village"]
    name = f"households-{village}"
    assert f'name="{name}"' in admin.get("/reports?view=page").text
    wrong = admin.post("/reports", **{name: "một trăm"})
    assert wrong.status_code == 422
    assert "Nhập số hộ từ 0" in wrong.text
    assert "không có dấu chấm, dấu phẩy" in admin.post("/reports", **{name: "1.200"}).text
    assert 'value="một trăm"' in wrong.text
    assert admin.post("/reports", **{name: "120"}).status_code == 303
    assert 'value="120"' in admin.get("/reports?view=page").text
    with house.database.session() as session:
        assert session.get_one(Unit, village).households == 120
    other = f"households-{house.units['other']}"
    assert admin.post("/reports", **{other: "1"}).status_code == 403
    assert house.signed_in(VIEWER).post("/reports", **{name: "1"}).status_code == 403
