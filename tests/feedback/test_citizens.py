from pathlib import Path

import pytest
import sqlalchemy as sa

from feedback.citizens.registry import open_citizens
from feedback.models import Citizen
from haichieu.database import Database, now

NUMBER = "+84912345678"


def test_a_citizen_is_met_once_and_found_by_number(database: Database, tmp_path: Path) -> None:
    book = open_citizens(tmp_path)
    with database.session() as session:
        assert book.find(session, NUMBER) is None
        first = book.meet(session, NUMBER, now())
        assert book.meet(session, NUMBER, now()).id == first.id
        assert book.find(session, "+84912345679") is None
        assert book.number_of(first) == NUMBER


def test_another_process_of_the_station_finds_the_same_citizen(database: Database, tmp_path: Path) -> None:
    with database.session() as session:
        open_citizens(tmp_path).meet(session, NUMBER, now())
    with database.session() as session:
        assert open_citizens(tmp_path).find(session, NUMBER) is not None


def test_the_row_contains_no_number_and_no_hash_open_to_guessing(database: Database, tmp_path: Path) -> None:
    with database.session() as session:
        open_citizens(tmp_path).meet(session, NUMBER, now())
    with database.session() as session:
        row = session.scalars(sa.select(Citizen)).one()
        assert NUMBER[3:] not in row.number_hash + row.number_locked
        other_station = open_citizens(tmp_path / "other")
        assert other_station.digest(NUMBER) != row.number_hash


def test_the_key_is_for_the_stations_user_alone(tmp_path: Path) -> None:
    open_citizens(tmp_path)
    assert (tmp_path / "secrets" / "numbers.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "typed", ["0912345678", "0912 345 678", "0912.345.678", "(0912) 345-678", "+84 912 345 678", "84912345678",
              "0912\N{EN DASH}345\N{EN DASH}678", "０９１２３４５６７８"],
)  # fmt: skip
def test_a_number_is_looked_up_however_it_is_typed(database: Database, tmp_path: Path, typed: str) -> None:
    book = open_citizens(tmp_path)
    with database.session() as session:
        citizen = book.meet(session, NUMBER, now())
        assert book.look_up(session, f" {typed} ") is citizen


@pytest.mark.parametrize(
    "typed", ["", "345678", "cầu 0912345678", "0912345679", "--------", "+", "1" * 40, "0912345678'"]
)
def test_any_other_text_is_nobodys_number(database: Database, tmp_path: Path, typed: str) -> None:
    book = open_citizens(tmp_path)
    with database.session() as session:
        book.meet(session, NUMBER, now())
        assert book.look_up(session, typed) is None
