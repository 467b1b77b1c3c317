"""The reports: what they show to whom, as page, workbook and API, and what they say when there is nothing."""

import io
import zipfile

import pytest

from admin.reports.plots import MOST_BARS, plot
from haichieu.people import Unit
from tests.builders.broadcasts import aired, something_of_everything
from tests.builders.house import House

VIEWER = "viewer@x.example"


def words_of_workbook(content: bytes) -> tuple[str, str]:
    """Its strings, and its sheets."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheets = "".join(book.read(name).decode() for name in book.namelist() if "worksheets/sheet" in name)
        return book.read("xl/sharedStrings.xml").decode(), sheets


def test_reports_on_nothing_say_so(house: House) -> None:
    shown = house.signed_in(VIEWER).get("/reports?since=2020-01-01&until=2020-01-31")
    assert "Từ 01/01/2020 đến 31/01/2020" in shown.text
    for words in ("Không có buổi phát nào", "Không có phản ánh nào", "Chưa có ai trả lời"):
        assert words in shown.text
    assert "<svg viewBox" not in shown.text
    assert house.signed_in(VIEWER).get("/reports.xlsx?since=2020-01-01&until=2020-01-31").status_code == 200


def test_reports_show_the_visitors_units_with_plots_beside_tables(house: House) -> None:
    with house.database.session() as session:
        something_of_everything(session, house.units)
        aired(session, {"loa-other": "played"}, zone="14")
    shown = house.signed_in(VIEWER).get("/reports").text
    assert "Đơn vị commune" in shown
    assert "Đơn vị other" not in shown
    assert 'role="img" aria-label="Phút: Đơn vị commune 20,6' in shown
    assert "Nông nghiệp" in shown
    assert "Loa village" in shown
    above = house.signed_in("viewer@district.example")
    assert "Đơn vị other" in above.get("/reports").text
    assert "Đơn vị other" not in above.get("/reports?unit=COMMUNE").text.split("</form>")[-1]
    assert "Đơn vị commune</th>" not in house.signed_in(VIEWER).get("/reports?unit=OTHER").text


@pytest.mark.parametrize("odd", ["since=never&until=9999-12-31", "since=0001-01-01", "unit=%00", "until=1"])
def test_odd_days_break_nothing(house: House, odd: str) -> None:
    assert house.signed_in(VIEWER).get(f"/reports?{odd}").status_code == 200


def test_the_workbook_contains_strings_and_numbers_and_no_formula(house: House) -> None:
    with house.database.session() as session:
        something_of_everything(session, house.units)
        session.get_one(Unit, house.units["village"]).name = "=HYPERLINK(A1)"
    answer = house.signed_in(VIEWER).get("/reports.xlsx")
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
        drawn = plot("Phút", [(f"Xã {number}", float(number)) for number in range(30)])
    assert drawn is not None
    assert (len(drawn.bars), drawn.left_out) == (MOST_BARS, 10)
    assert round(max(bar.width for bar in drawn.bars)) == 340
    assert plot("Phút", [("Xã", 0.0), ("Khác", None)]) is None
