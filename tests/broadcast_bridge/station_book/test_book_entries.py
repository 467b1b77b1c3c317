"""Saving rows of the station book."""

import datetime

import pytest
from sqlalchemy.orm import Session

from broadcast_bridge.station_book import book_entries
from broadcast_bridge.station_book.book_entries import BookRefused, Reach, choice_named, find_row, read_row, save
from broadcast_bridge.station_book.book_tables import TABLES, choice_words
from broadcast_bridge.station_book.models import BookStation
from broadcast_bridge.station_book.states import Condition, Fund
from haichieu.database import Database
from haichieu.locale import LANGUAGES, render
from tests.builders.places import commune

pytestmark = pytest.mark.both_databases
TODAY = datetime.date(2027, 3, 1)
STATIONS = TABLES["stations"]
STATION = {"code": "D-1", "name": "Đài xã", "unit": "C11", "technology": "Vô tuyến FM", "condition": "tot"}


def keep(session: Session, reach: Reach, **more: str) -> BookStation:
    typed = {**STATION, **more}
    values = read_row(STATIONS, typed, reach)
    found = save(session, STATIONS, values, "account:a", TODAY, find_row(session, STATIONS, typed, reach))
    assert isinstance(found, BookStation)
    return found


def test_code_in_another_case_names_the_same_row(database: Database) -> None:
    with database.session() as session:
        reach = Reach(session, {commune(session).commune.id})
        first = keep(session, reach)
        assert keep(session, reach, code="d-1", name="Đài Cô Ba") is first
        assert (first.name, first.technology, first.condition) == ("Đài Cô Ba", "fm", "good")
        assert (first.search_text, first.personal_text) == ("d-1 dai co ba", "")


def test_every_problem_of_a_row_is_reported_at_once(database: Database) -> None:
    with database.session() as session, pytest.raises(BookRefused) as refusal:
        read_row(STATIONS, {"code": "3.5E+14", "unit": "C11", "condition": "?"}, Reach(session, ()))
    assert set(refusal.value.problems) == {"code", "name", "unit", "technology", "condition"}


def test_code_taken_by_a_concurrent_request_is_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.session() as session:
        reach = Reach(session, {commune(session).commune.id})
        keep(session, reach)
    monkeypatch.setattr(book_entries, "find_same", lambda *_: None)
    with pytest.raises(BookRefused), database.session() as session:
        keep(session, Reach(session, reach.units))


def test_choice_is_found_by_its_words_in_every_language() -> None:
    for choice in (*Condition, *Fund):
        for language in LANGUAGES:
            assert choice_named(type(choice), render(choice_words(choice), language).upper()) is choice
    assert choice_named(Condition, "hong") is Condition.BROKEN
    assert choice_named(Condition, "") is None
