"""Headers that make devices answer by themselves."""

from pathlib import Path

import pytest

from dialplans.auto_answer import MAKES, auto_answer_headers
from dialplans.degraded import ASTERISKS_OWN, DegradedMode, degraded_dialplan

DOCUMENT = Path(__file__).parents[2] / "docs/loudspeakers.md"


def test_unknown_make_gets_what_most_devices_understand() -> None:
    headers = auto_answer_headers()
    assert headers["Call-Info"].endswith(";answer-after=0")
    assert headers["Answer-Mode"] == "Auto"
    assert "info=alert-autoanswer" in headers["Alert-Info"]
    assert auto_answer_headers("a make of tomorrow") == headers


@pytest.mark.parametrize(
    ("make", "alert"),
    [("poly", "Ring Answer"), ("algo", ""), ("barix", ""), ("yealink", "<http://haichieu.invalid>;info=alert-autoanswer;delay=0")],
)  # fmt: skip
def test_make_decides_what_alert_info_says(make: str, alert: str) -> None:
    assert auto_answer_headers(make).get("Alert-Info", "") == alert


def test_every_make_is_documented_with_where_it_was_read() -> None:
    rows = {
        cells[1].strip(" `"): cells for line in DOCUMENT.read_text().splitlines() if len(cells := line.split("|")) == 7
    }
    assert set(MAKES) <= set(rows)
    for make in MAKES:
        assert (rows[make][2].strip() == "–") is ("Alert-Info" not in auto_answer_headers(make))
        assert rows[make][4].strip().startswith(("manual", "reports"))


def test_emergency_line_pages_each_make_with_its_headers() -> None:
    mode = DegradedMode(
        "1999", "1234", ("PJSIP/a", "PJSIP/b", "PJSIP/c"), ASTERISKS_OWN,
        makes={"PJSIP/a": "", "PJSIP/b": "poly"}, shown_number="1900", shown_name='Đài "Cô Ba"; ${X},)',
    )  # fmt: skip
    text = degraded_dialplan(mode, ASTERISKS_OWN, Path("/home"), "key")
    assert "Page(PJSIP/b,qib(auto-answer^poly^1))" in text
    assert "Page(PJSIP/a&PJSIP/c,qib(auto-answer^s^1))" in text
    assert "Set(CONNECTEDLINE(name,i)=Đài Cô Ba X)" in text
    for make in MAKES:
        assert f"exten => {make},1," in text
