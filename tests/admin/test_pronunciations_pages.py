"""The pronunciation dictionary: on its page, in the district file, and in what is read."""

import unicodedata
from pathlib import Path

import pytest

from haichieu.district.file import read_district
from haichieu.district.reconcile import apply_file
from haichieu.speech.pronunciations import PronunciationRefused, dictionary_of, teach
from haichieu.vault import open_vault
from tests.builders.house import Browser, House
from tests.builders.spoken import note_what_is_spoken

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def admin(house: House) -> Browser:
    return house.signed_in("admin@district.example")


def test_entry_of_the_dictionary_changes_what_is_read(house: House, admin: Browser) -> None:
    admin.post("/pronunciations", written="Phja Oắc", said="phia oắc")
    admin.post("/pronunciations", written="phja oắc", said="phi a oắc")
    assert dictionary_of(house.database) == {"phja oắc": "phi a oắc"}
    read = admin.post("/programmes/0/reading", text="Đỉnh PHJA  OẮC lạnh 5°C.\n- Hết", language="vi")
    assert read.text == "đỉnh phi a oắc lạnh năm độ xê.\nhết"
    admin.post("/pronunciations", remove="phja oắc")
    assert dictionary_of(house.database) == {}


@pytest.mark.parametrize("again", ["đà vị", unicodedata.normalize("NFD", "Đà Vị")])
def test_word_that_is_written_alike_is_one_entry(house: House, again: str) -> None:
    with house.database.session() as session:
        teach(session, "Đà Vị", "đà vì")
        teach(session, again, "đà vịa")
    assert list(dictionary_of(house.database).values()) == ["đà vịa"]


@on_sqlite
@pytest.mark.parametrize(
    ("written", "said"), [("", "a"), ("...", "a"), ("a", "12"), ("a" * 101, "a"), ("a", "b" * 201)]
)
def test_useless_entry_is_refused(house: House, written: str, said: str) -> None:
    with house.database.session() as session, pytest.raises(PronunciationRefused):
        teach(session, written, said)


@on_sqlite
def test_district_file_fills_the_dictionary(house: House, tmp_path: Path) -> None:
    file = tmp_path / "district.toml"
    file.write_text('[[pronunciations]]\nwritten = "BLC"\nsaid = "Bảo Lạc"\n')
    vault = open_vault(house.home)
    apply_file(house.database, vault, file, [], dry_run=False, prune=False, actor="test")
    assert dictionary_of(house.database) == {"BLC": "Bảo Lạc"}
    file.write_text(file.read_text().replace("Bảo Lạc", "bờ lờ cờ"))
    apply_file(house.database, vault, file, [], dry_run=False, prune=False, actor="test")
    assert dictionary_of(house.database) == {"BLC": "bờ lờ cờ"}


def test_word_twice_in_the_district_file_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "district.toml"
    file.write_text('[[pronunciations]]\nwritten = "A"\nsaid = "b"\n[[pronunciations]]\nwritten = "a"\nsaid = "c"\n')
    with pytest.raises(Exception, match="a"):
        read_district(file, [])


@on_sqlite
def test_texts_on_air_and_programmes_are_said_by_the_dictionary(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = note_what_is_spoken(monkeypatch)
    with house.database.session() as session:
        teach(session, "Phja Oắc", "phia oắc")
    headers = house.token("operator@x.example")
    wish = {"zones": ["12"], "text": "Lên Phja Oắc."}
    assert house.app.test_client().post("/api/v1/broadcasts", headers=headers, json=wish).status_code == 201
    assert spoken == ["lên phia oắc."]
    editor = house.signed_in("editor@x.example")
    written = {"title": "Núi", "unit": house.units["commune"], "language": "vi"}
    assert editor.post("/programmes/0/edit", **written, text="Về Phja Oắc.").status_code == 303
    assert spoken[1:] == ["về phia oắc."]
