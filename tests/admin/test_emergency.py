"""The red action: nothing sounds before what will sound was shown, and what sounds is what was shown."""

import re

import sqlalchemy as sa

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast, Speaker
from haichieu.audit import AuditEntry
from tests.builders.house import Browser, House

MESSAGE = "Nước lũ đang về, bà con khẩn trương lên chỗ cao."
FORM = {"zone": "12", "text": MESSAGE, "siren": "yes", "times": "3"}


def broadcasts(house: House) -> list[Broadcast]:
    with house.database.session() as session:
        return list(session.scalars(sa.select(Broadcast)))


def mark(page: str) -> str:
    found = re.search(r'name="confirmed" value="([0-9a-f]{64})"', page)
    assert found, page
    return found[1]


def first_step(house: House, **changed: str) -> tuple[Browser, str]:
    browser = house.signed_in("operator@x.example")
    return browser, browser.post("/emergency", page="/emergency", **{**FORM, **changed}).text


def test_the_first_step_shows_exactly_what_will_sound_and_sounds_nothing(house: House) -> None:
    _, page = first_step(house)
    assert broadcasts(house) == []
    for told in (
        MESSAGE,
        "Khu commune",
        "<bdi>Loa commune</bdi>, <bdi>Loa village</bdi>",
        "1 trong số 2 cụm loa",
        "có",
        "<dd>3</dd>",
    ):
        assert told in page
    assert re.search(r"sẽ không phát ngay</dt><dd[^>]*><bdi>Loa village</bdi></dd>", page)


def test_the_second_step_sounds_it(house: House) -> None:
    browser, page = first_step(house)
    answer = browser.post("/emergency", page="/emergency", confirmed=mark(page), **FORM)
    assert answer.status_code == 303
    (sounding,) = broadcasts(house)
    assert (sounding.priority, sounding.siren, sounding.times) == (Priority.EMERGENCY, True, 3)
    assert (sounding.zone_codes, sounding.title) == (["12"], MESSAGE)
    assert sounding.asked_by == "account:operator@x.example"
    with house.database.session() as session:
        assert session.get_one(Broadcast, sounding.id).sounds[0].media.seconds > 1
        assert session.query(AuditEntry).filter_by(action="broadcast.asked").count() == 1
    assert "Đã ra lệnh phát tin khẩn cấp" in browser.get("/").text


def test_an_outdated_preview_is_shown_again(house: House) -> None:
    browser, page = first_step(house)
    with house.database.session() as session:
        session.query(Speaker).filter_by(code="loa-commune").one().reachable = False
    shown = browser.post("/emergency", page="/emergency", confirmed=mark(page), **FORM).text
    assert "đã thay đổi" in shown
    assert "0 trong số 2 cụm loa" in shown
    assert broadcasts(house) == []


def test_another_text_than_the_one_that_was_shown_is_not_said(house: House) -> None:
    browser, page = first_step(house)
    browser.post("/emergency", page="/emergency", confirmed=mark(page), **{**FORM, "text": "Tin khác"})
    assert broadcasts(house) == []


def test_only_zones_that_lie_wholly_in_ones_units_are_offered(house: House) -> None:
    page = house.signed_in("operator@x.example").get("/emergency").text
    assert set(re.findall(r'name="zone" value="(\d+)"', page)) == {"12", "13"}


def test_refused_form_keeps_what_was_typed(house: House) -> None:
    for changed, told in (
        ({"text": "  "}, "Chưa có nội dung."),
        ({"zone": "99"}, "Không có khu vực"),
        ({"times": "4"}, "Số lần phát"),
        ({"text": "a" * 2001}, "tối đa 2000"),
    ):
        _, page = first_step(house, **changed)
        assert told in page
    assert "a" * 2001 in page
    assert broadcasts(house) == []
