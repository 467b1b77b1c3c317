"""The search over everything: what is found, by whom, and how odd words are answered."""

import re
import unicodedata
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from admin.search.finding import SHOWN
from broadcast_bridge.models import Speaker
from broadcast_bridge.programmes import programme_search
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.repairs.pole_codes import grouped, pole_code
from haichieu.people import Official, OfficialPhone
from ivr.calls.routing import Number
from tests.builders import cases, in_unit
from tests.builders.house import Browser, House
from tests.builders.programmes import drafted
from tests.builders.queries import queries

NAME = "Trường tiểu học Nà Lùng"
TYPED = ("truong tieu hoc", "TRƯỜNG TIỂU HỌC", unicodedata.normalize("NFD", "Trường tiểu học"), " lùng   nà ")
KINDS = {"/cases/": "case", "/speakers/": "speaker", "/officials/": "official", "/programmes/": "programme"}


def fill(house: House, unit: str, name: str = NAME) -> None:
    """Put one thing of each kind with this name into a unit."""
    speaker, official = in_unit.speaker(house, unit), in_unit.official(house, unit)
    programme = drafted(house, unit, title=name)
    cases.written(house, house.home, f"Ở {name} mất nước", unit, known=False)
    with house.database.session() as session:
        session.get_one(Speaker, speaker).name = name
        session.get_one(Official, official).name = name
        programme_search.index(session.get_one(Programme, programme))
    cases.index(house)


def search(browser: Browser, words: str, path: str = "/search") -> TestResponse:
    return browser.get(f"{path}?{urlencode({'q': words})}")


def found(page: str) -> list[str]:
    """The kinds of things that a page of the search links to."""
    links = re.findall(r'<a href="(/[a-z]+/)\d+(?:/edit)?">', page)
    return sorted(KINDS[link] for link in links if link in KINDS)


@pytest.mark.both_databases
def test_everything_is_found_whatever_its_case_and_accents(house: House) -> None:
    fill(house, "commune")
    browser = house.signed_in("admin@x.example")
    for typed in TYPED:
        assert found(search(browser, typed).text) == sorted(KINDS.values()), typed
    assert found(browser.get("/search?q=truong+mam+non").text) == []
    lists = {"/speakers": "speaker", "/officials": "official"}
    for path, kind in lists.items():
        assert NAME in search(browser, TYPED[0], path).text, kind
        assert NAME not in search(browser, "mam non", path).text, kind
    assert "viewer@x.example" in browser.get("/accounts?q=TAI+KHOAN+VIEWER").text
    assert "viewer@x.example" not in browser.get("/accounts?q=editor").text


def test_a_device_and_the_code_on_a_pole_are_found(house: House) -> None:
    speaker, device = in_unit.speaker(house, "commune"), in_unit.device(house, "commune", code="TB-001", serial="SN88")
    browser, stranger = house.signed_in("viewer@x.example"), house.signed_in("admin@x.example")
    with house.database.session() as session:
        name = session.get_one(Speaker, speaker).name
    for typed in ("tb-001", "sn88"):
        assert f"/book/devices/{device}" in search(browser, typed).text
    for typed in (pole_code(speaker), grouped(pole_code(speaker))):
        assert f"/speakers/{speaker}" in search(browser, typed).text
        assert name in search(browser, typed, "/speakers").text
    theirs = in_unit.device(house, "other", code="TB-002")
    assert f"/book/devices/{theirs}" not in search(stranger, "tb-002").text
    assert "/speakers/" not in search(stranger, pole_code(in_unit.speaker(house, "other"))).text


def test_nothing_of_another_unit_is_found(house: House) -> None:
    fill(house, "other")
    assert found(house.signed_in("admin@x.example").get("/search?q=truong").text) == []
    assert found(house.signed_in("admin@district.example").get("/search?q=truong").text) == sorted(KINDS.values())


def test_only_what_the_role_may_open_is_found(house: House) -> None:
    fill(house, "commune")
    expected = {
        "viewer": ["programme", "speaker"], "operator": ["case", "programme", "speaker"],
        "approver": ["case", "programme", "speaker"], "admin": sorted(KINDS.values()),
    }  # fmt: skip
    for role, kinds in expected.items():
        browser = house.signed_in(f"{role}@x.example")
        page = browser.get("/search?q=truong").text
        assert found(page) == kinds, role
        for path in re.findall(r'<a href="(/[a-z]+(?:/\d+(?:/edit)?|\?[^"]*))">', page):
            assert browser.get(path.replace("&amp;", "&")).status_code == 200, (role, path)
    assert house.browser().get("/search?q=truong").status_code == 303


def test_people_are_found_by_their_numbers_by_those_who_may(house: House) -> None:
    number = cases.written(house, house.home, known=True)
    official = in_unit.official(house, "commune")
    with house.database.session() as session:
        session.add(OfficialPhone(official_id=official, number="+84912000005"))
        session.add(Number(number="02063999100", flow="hotline", unit_id=house.units["commune"]))
    admin, approver = house.signed_in("admin@x.example"), house.signed_in("approver@x.example")
    for typed in ("0912 000 005", "+84912000005", "2000005"):
        assert found(search(admin, typed).text) == ["official"], typed
    assert "02063999100" in admin.get("/search?q=0206+3999").text
    for typed in ("0912 345 678", "+84912345678"):
        assert found(search(admin, typed).text) == ["case"], typed
        assert found(search(approver, typed).text) == [], typed
    for typed in (number, f"{number[:4]} {number[4:]}"):
        assert found(search(approver, typed).text) == ["case"], typed


def test_odd_words_are_answered_and_run_nowhere(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    for typed in ("", "   ", "%", "_", "\\", "'; --", "\0", "\u0301", "9" * 500, "Ă" * 5000, " ".join("abcdefghijklm")):
        answer = search(browser, typed)
        assert answer.status_code == 200, typed
        assert found(answer.text) == [], typed
    page = search(browser, '"><script>alert(1)</script>').text
    assert "<script>alert" not in page
    assert "Không tìm thấy gì" in page
    assert len(search(browser, "Ă" * 5000).text) < 20_000


def test_many_hits_cost_no_more_queries_than_one(house: House) -> None:
    browser, needed = house.signed_in("admin@district.example"), []
    for units in (["commune"], ["other", "village", "district"] * 3):
        for unit in units:
            fill(house, unit)
        with queries(house.database) as asked:
            page = browser.get("/search?q=truong").text
        needed.append(len(asked))
        assert found(page).count("case") == min(len(units), SHOWN)
    assert needed[0] == needed[1]
