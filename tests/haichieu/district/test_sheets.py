"""Import of tables as spreadsheets write them."""

import unicodedata
from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import Speaker
from haichieu.database import Database
from haichieu.district.entries import OFFICIAL, SPEAKER
from haichieu.district.sheets import Sheet, take_sheet
from haichieu.errors import UsageError
from haichieu.locale import render
from haichieu.people import Official
from haichieu.vault import Vault, open_vault
from tests.builders.places import commune

HEAD = "code;name;unit;phones;pin;call_back"
LINE = "1005;Páo;C11;{phone};735146;{tick}"


@pytest.fixture
def vault(database: Database, tmp_path: Path) -> Vault:
    with database.session() as session:
        commune(session)
    return open_vault(tmp_path)


def take(database: Database, vault: Vault, table: str) -> Sheet:
    """Import a table of officials."""
    return take_sheet(
        database, vault, OFFICIAL, table, "account:a", lambda *_: None, lambda: "918273", dry_run=False
    )  # fmt: skip


def pao(database: Database) -> Official:
    with database.session() as session:
        found = session.scalars(sa.select(Official).where(Official.code == "1005")).one()
        assert [phone.number for phone in found.phones]
        return found


def line(phone: str = "0912000005", tick: str = "yes") -> str:
    return LINE.format(phone=phone, tick=tick)


@pytest.mark.parametrize(
    "table",
    [
        f"sep=;\n{HEAD}\n{line()}",
        f'\ufeff"sep=;"\r\n{HEAD}\r\n{line()}\r\n',
        f"{HEAD};;\n{line()};;",
        f"{HEAD}\n{line()};;;",
        f"{HEAD};;\n{line()}",
        f";;;\n{HEAD}\n\n;;;;\n{line()}\n;;;;;;;\n",
        f"{HEAD} ; \n{line()}; \u00a0",
        HEAD.replace(";", ",") + ",,\n" + line().replace(";", ",") + ",,",
        "sep=\t\n" + HEAD.replace(";", "\t") + "\t\n" + line().replace(";", "\t"),
        f"code;;name;unit;phones;pin;call_back\n{line().replace('1005;', '1005;;')}",
    ],
)
def test_what_a_spreadsheet_adds_is_no_mistake(database: Database, vault: Vault, table: str) -> None:
    sheet = take(database, vault, table)
    assert (sheet.added, sheet.wrong) == (["1005"], [])


@pytest.mark.parametrize("table", [f"{HEAD};\n{line()};x", f"{HEAD}\n{line()};;x"])
def test_words_below_a_column_without_a_name_are_refused(database: Database, vault: Vault, table: str) -> None:
    with pytest.raises(UsageError) as refusal:
        take(database, vault, table)
    assert refusal.value.message.key == "district.sheet.too_many_cells"


def test_wrong_line_is_counted_from_the_first_line_of_the_file(database: Database, vault: Vault) -> None:
    (wrong,) = take(database, vault, f"sep=;\n{HEAD}\n{line(phone='x')}").wrong
    assert (wrong.line, wrong.field) == (3, "phones")


@pytest.mark.parametrize("tick", ["khong", "n", "ko", "off", "-", "SAI", unicodedata.normalize("NFD", "không"), ""])
def test_no_in_a_table_is_no(database: Database, vault: Vault, tick: str) -> None:
    assert take(database, vault, f"{HEAD}\n{line(tick=tick)}").wrong == []
    assert pao(database).call_back is False


@pytest.mark.parametrize("tick", ["có", "co", "x", "1", "TRUE", "đúng", unicodedata.normalize("NFD", "có")])
def test_yes_in_a_table_is_yes(database: Database, vault: Vault, tick: str) -> None:
    assert take(database, vault, f"{HEAD}\n{line(tick=tick)}").wrong == []
    assert pao(database).call_back is True


def test_unclear_answer_in_a_table_is_refused_by_its_field(database: Database, vault: Vault) -> None:
    (wrong,) = take(database, vault, f"{HEAD}\n{line(tick='có thể')}").wrong
    assert (wrong.line, wrong.field) == (2, "call_back")
    assert "có thể" in render(wrong.sentence, "vi")


def test_names_are_stored_in_composed_letters(database: Database, vault: Vault) -> None:
    take(database, vault, unicodedata.normalize("NFD", f"{HEAD}\n{line().replace('Páo', 'Hoàng Văn Páo')}"))
    assert pao(database).name == "Hoàng Văn Páo"


@pytest.mark.parametrize("phone", ["01691234567", "0391 234 567", '="0391234567"', "\u202a0391–234–567\u202c"])
def test_phone_of_an_official_is_the_number_in_service(database: Database, vault: Vault, phone: str) -> None:
    assert take(database, vault, f"{HEAD}\n{line(phone)}").wrong == []
    assert [phone.number for phone in pao(database).phones] == ["+84391234567"]


def test_number_out_of_service_is_refused(database: Database, vault: Vault) -> None:
    (wrong,) = take(database, vault, f"{HEAD}\n{line('01701234567')}").wrong
    assert (wrong.field, wrong.sentence.key) == ("phones", "district.value.phone_out_of_service")


@pytest.mark.parametrize("typed", ["-3", "−3", "–3", "-3,0", "-3 dB"])
def test_minus_of_a_volume_is_read_however_typed(database: Database, vault: Vault, typed: str) -> None:
    table = f"id;name;unit;password;volume_db\nn-1;Loa;C11;mat-khau-cua-loa;{typed}"
    take_sheet(database, vault, SPEAKER, table, "account:a", lambda *_: None, lambda: "x", dry_run=False)
    with database.session() as session:
        assert session.scalars(sa.select(Speaker.volume_db).where(Speaker.code == "n-1")).one() == -3.0
