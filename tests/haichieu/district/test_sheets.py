"""Import of tables as spreadsheets write them."""

import unicodedata
from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import Speaker, Zone
from haichieu.database import Database
from haichieu.district.entries import OFFICIAL, SPEAKER
from haichieu.district.sheets import Sheet, take_sheet
from haichieu.errors import UsageError
from haichieu.locale import render
from haichieu.people import Level, Official, Unit
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


def unit_of_pao(database: Database) -> str:
    with database.session() as session:
        return session.merge(pao(database)).unit.code


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
        f"Mã cán bộ;Họ và tên;Đơn vị;SĐT;Mã PIN;Gọi lại\n{line()}",
        unicodedata.normalize("NFD", f"MÃ;HỌ TÊN;ĐƠN VỊ;SỐ ĐIỆN THOẠI;PIN;GỌI LẠI\n{line()}"),
        f"ma;ho ten;don vi;dien thoai;ma pin;goi lai\n{line()}",
        f"Code;Full name;Unit;Phone number;PIN;Call back\n{line()}",
        f"DANH SÁCH CÁN BỘ;;;;;\n;;;;;\n{HEAD}\n{line()}",
        f"Danh sách cán bộ, tháng 11\n{HEAD}\n{line()}",
        f"STT;{HEAD}\n1;{line()}\n2;;;;;;",
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


@pytest.mark.parametrize("unit", ["c11", "Xã 11", "xa 11", "XÃ  11", unicodedata.normalize("NFD", "Xã 11")])
def test_unit_is_found_by_its_name_however_written(database: Database, vault: Vault, unit: str) -> None:
    with database.session() as session:
        session.query(Unit).filter_by(code="C11").one().name = "Xã 11"
    assert take(database, vault, f"{HEAD}\n{line().replace('C11', unit)}").wrong == []
    assert unit_of_pao(database) == "C11"


def test_name_of_two_villages_is_refused_until_its_commune_is_named(database: Database, vault: Vault) -> None:
    with database.session() as session:
        for number in (21, 22):
            parent = Unit(code=f"X{number}", name=f"Xã {number}", level=Level.COMMUNE)
            session.add(parent)
            session.flush()
            session.add(Unit(code=f"N{number}", name="Xóm Nà Lùng", level=Level.VILLAGE, parent_id=parent.id))
    (wrong,) = take(database, vault, f"{HEAD}\n{line().replace('C11', 'Xóm Nà Lùng')}").wrong
    assert (wrong.field, wrong.column) == ("unit", "C")
    assert "Xóm Nà Lùng (Xã 21): N21, Xóm Nà Lùng (Xã 22): N22" in render(wrong.sentence, "vi")
    assert take(database, vault, f"{HEAD}\n{line().replace('C11', 'Xóm Nà Lùng (Xã 22)')}").wrong == []
    assert unit_of_pao(database) == "N22"


def test_rights_and_zones_are_understood_by_name(database: Database, vault: Vault) -> None:
    with database.session() as session:
        session.add(Zone(code="55", name="Toàn xã"))
    table = f"{HEAD};Quyền;Khu vực\n{line()};nói trực tiếp, KHẨN CẤP;toan xa"
    assert take(database, vault, table).wrong == []
    found = pao(database)
    assert found.may == ["live", "emergency"]
    with database.session() as session:
        assert [zone.code for zone in session.merge(found).zones] == ["55"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("phone", ["391234567", "84391234567", "391 234 567"])
def test_zero_that_a_spreadsheet_took_from_a_phone_is_restored(database: Database, vault: Vault, phone: str) -> None:
    assert take(database, vault, f"{HEAD}\n{line(phone)}").wrong == []
    assert [phone.number for phone in pao(database).phones] == ["+84391234567"]


def test_every_mistake_of_a_line_is_reported_with_its_cell(database: Database, vault: Vault) -> None:
    table = f"{HEAD};may\n1005;;NOWHERE;x1;y2;hm\n1006;Pa;C11;0391234567;735146;;bay;live"
    found = take(database, vault, table.replace("x1;y2", "x1, y2;735146").replace(";;bay;live", ";;bay, live")).wrong
    cells = {(wrong.line, wrong.column, wrong.field) for wrong in found}
    assert cells == {
        (2, "B", "name"), (2, "C", "unit"), (2, "D", "phones"), (2, "F", "call_back"), (3, "G", "may")
    }  # fmt: skip
    said = {wrong.field: render(wrong.sentence, "vi") for wrong in found}
    assert "x1: " in said["phones"]
    assert "y2: " in said["phones"]
    assert "bay: phải là một trong: nói trực tiếp, thu chương trình" in said["may"]


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


@pytest.mark.parametrize("place", [("22.9", ""), ("", "105.6")])
def test_half_a_position_is_refused(database: Database, vault: Vault, place: tuple[str, str]) -> None:
    table = f"Mã;Tên;Đơn vị;Mật khẩu;Vĩ độ;Kinh độ\nn-1;Loa;C11;mat-khau-cua-loa;{';'.join(place)}"
    sheet = take_sheet(database, vault, SPEAKER, table, "account:a", lambda *_: None, lambda: "x", dry_run=True)
    assert [(wrong.field, wrong.column) for wrong in sheet.wrong] == [("longitude", "F")]


def test_line_without_a_difference_is_counted_as_unchanged(database: Database, vault: Vault) -> None:
    table = "Mã;Tên;Đơn vị;Mật khẩu\nn-1;Loa;C11;mat-khau-cua-loa"
    again = "Mã;Tên;Đơn vị\nn-1;{name};C11"
    for typed, counts in (
        (table, (1, 0, 0)), (again.format(name="Loa"), (0, 0, 1)), (again.format(name="Loa to"), (0, 1, 0)),
        (table, (0, 1, 0)),
    ):  # fmt: skip
        sheet = take_sheet(database, vault, SPEAKER, typed, "account:a", lambda *_: None, lambda: "x", dry_run=False)
        assert (len(sheet.added), len(sheet.changed), len(sheet.same)) == counts


def test_place_named_with_other_accents_is_understood_once_and_told(database: Database, vault: Vault) -> None:
    with database.session() as session:
        unit = session.scalars(sa.select(Unit).where(Unit.code == "C11")).one()
        unit.name = "Xã Cô Ba"
        session.add(Unit(code="C12", name="Xã Cốc Pàng", level=unit.level, parent_id=unit.parent_id))
        session.add(Unit(code="C13", name="Xã Cộc Pạng", level=unit.level, parent_id=unit.parent_id))
    names = ("Xã Cô Ba", "Xã Cô Bá", "xa co ba", "Xã Cô Bá", "Xã Cốc Pàng", "Xã Cốc Pang")
    lines = [f"n-{number};Loa;{name};mat-khau-cua-loa" for number, name in enumerate(names)]
    table = "\n".join(["Mã;Tên;Đơn vị;Mật khẩu", *lines])
    sheet = take_sheet(database, vault, SPEAKER, table, "account:a", lambda *_: None, lambda: "x", dry_run=True)
    assert [(number, said.fields["name"]) for number, said in sheet.understood] == [(3, "Xã Cô Bá"), (4, "xa co ba")]
    assert render(sheet.understood[0][1], "vi") == "“Xã Cô Bá” được hiểu là Xã Cô Ba."
    assert [(wrong.line, wrong.sentence.key) for wrong in sheet.wrong] == [(7, "district.several_named")]
