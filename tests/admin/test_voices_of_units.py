"""Voices of units and programmes in the panel: chosen in forms, heard on air, and named where they are missing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from broadcast_bridge.broadcasts.spoken_rests import SpokenRests
from broadcast_bridge.models import Broadcast, SpokenRest
from broadcast_bridge.programmes.models import Programme
from haichieu.audit import AuditEntry
from haichieu.database import Database
from haichieu.people import Unit
from haichieu.speech.station_voices import StationVoices
from tests.builders.accounts import EDITOR
from tests.builders.house import House, build
from tests.builders.voices import voice_folder

LAN, MAI = "vi_VN-lan-medium", "vi_VN-mai-medium"
SENTENCE = "Xã cắt nước ngày mai. "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return voice_folder(tmp_path / "voices", LAN, MAI)


@pytest.fixture
def house(
    database: Database, tmp_path: Path, folder: Path, voices: StationVoices, monkeypatch: pytest.MonkeyPatch
) -> House:
    monkeypatch.setattr("admin.panel.station_voices", lambda settings: voices)  # they are closed after the test
    return build(database, tmp_path, voice_folder=str(folder), voices=f"vi={LAN}")


@pytest.fixture
def voices(folder: Path) -> Iterator[StationVoices]:
    opened = StationVoices(folder, f"vi={LAN}", 1.0)
    yield opened
    opened.close()


def test_unit_gets_a_voice_that_its_tree_shows(house: House) -> None:
    admin, number = house.signed_in("admin@x.example"), house.units["commune"]
    form = admin.get(f"/units/{number}/voice").text
    assert all(f'value="{name}"' in form for name in (LAN, MAI, "espeak-ng"))
    assert f'Tiếng Việt: <span class="break">{LAN}' in form
    assert admin.post(f"/units/{number}/voice", voice=MAI).status_code == 303
    assert f'Tiếng Việt: <span class="break">{MAI}' in admin.get(f"/units/{house.units['village']}/voice").text
    assert f"giọng {MAI}<" in admin.get("/units").text
    with house.database.session() as session:
        assert session.get_one(Unit, number).voice == MAI
        assert session.query(AuditEntry).filter_by(action="unit.change").one().detail["voice"] == MAI
    assert admin.post(f"/units/{number}/voice", voice="x" * 101).status_code == 422
    assert admin.post(f"/units/{number}/voice", voice="").status_code == 303
    with house.database.session() as session:
        assert session.get_one(Unit, number).voice is None


def test_panel_says_that_a_voice_is_not_installed(house: House) -> None:
    admin, number = house.signed_in("admin@x.example"), house.units["commune"]
    admin.post(f"/units/{number}/voice", voice="vi_VN-gone-low")
    assert "vi_VN-gone-low (chưa cài" in admin.get("/units").text
    form = admin.get(f"/units/{number}/voice").text
    assert "vi_VN-gone-low (chưa cài)" in form
    assert f'Tiếng Việt: <span class="break">{LAN}' in form


@pytest.mark.proof
def test_voice_of_a_programme_overrides_that_of_its_unit(house: House) -> None:
    with house.database.session() as session:
        session.get_one(Unit, house.units["commune"]).voice = MAI
    editor = house.signed_in(EDITOR)
    about = {"title": "Cắt nước", "unit": house.units["commune"], "language": "vi", "text": SENTENCE}
    pages = [
        editor.post("/programmes/0/edit", voice=voice, **about).headers["Location"]
        for voice in ("", LAN, "vi_VN-gone-low")
    ]
    with house.database.session() as session:
        made = session.query(Programme).order_by(Programme.id).all()
        assert [one.voice for one in made] == [None, LAN, "vi_VN-gone-low"]
        heard = [one.sound.synthetic for one in made if one.sound]
    assert [name in text for name, text in zip((MAI, LAN, MAI), heard, strict=True)] == [True] * 3
    assert ["Một giọng khác đã đọc" in editor.get(page).text for page in pages] == [False, False, True]


@pytest.mark.proof
def test_another_voice_reads_the_text_of_a_programme_again(house: House) -> None:
    editor = house.signed_in(EDITOR)
    about = {"title": "Cắt nước", "unit": house.units["commune"], "language": "vi", "text": SENTENCE.strip()}
    page = editor.post("/programmes/0/edit", voice=LAN, **about).headers["Location"]
    form = editor.get(f"{page}/edit").text
    assert f'value="{LAN}" selected' in form
    edition = form.partition('name="edition" value="')[2].partition('"')[0]
    assert editor.post(f"{page}/edit", edition=edition, **{**about, "voice": MAI}).status_code == 303
    with house.database.session() as session:
        one = session.query(Programme).one()
        assert (one.voice, one.sound is not None and MAI in one.sound.synthetic) == (MAI, True)


@pytest.mark.proof
async def test_announcement_is_read_by_the_voice_of_its_unit(house: House, voices: StationVoices) -> None:
    with house.database.session() as session:
        session.get_one(Unit, house.units["commune"]).voice = MAI
    client, operator = house.app.test_client(), house.token("operator@x.example")
    asked = client.post("/api/v1/broadcasts", headers=operator, json={"zones": ["12"], "text": (SENTENCE * 50).strip()})
    assert asked.status_code == 201, asked.text
    await SpokenRests(house.database, house.store, voices).step()
    with house.database.session() as session:
        assert session.query(SpokenRest).count() == 0
        sounds = session.query(Broadcast).one().sounds
        assert len(sounds) > 1
        assert all(MAI in one.media.synthetic for one in sounds)
