"""Texts and their voices in panel and API: long ones are on air at once, and log and API name synthetic ones."""

from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from broadcast_bridge.broadcasts import spoken_rests
from broadcast_bridge.models import Broadcast, SpokenRest
from haichieu.database import now
from haichieu.media import Media
from tests.builders.broadcasts import aired
from tests.builders.house import House

Header = dict[str, str]
ROUTE = "/api/v1/broadcasts"
SENTENCE = "Uỷ ban nhân dân xã thông báo lịch cắt nước ngày mai. "


@pytest.fixture
def client(house: House) -> FlaskClient:
    return house.app.test_client()


@pytest.fixture
def operator(house: House) -> Header:
    return house.token("operator@x.example")


def test_long_text_is_on_air_with_its_beginning_alone(house: House, client: FlaskClient, operator: Header) -> None:
    text = (SENTENCE * 100)[:5000].strip()
    asked = client.post(ROUTE, headers=operator, json={"zones": ["12"], "text": text})
    assert asked.status_code == 201, asked.text
    with house.database.session() as session:
        broadcast = session.query(Broadcast).one()
        rest = session.query(SpokenRest).one()
        (sound,) = broadcast.sounds
        assert 3 < sound.media.seconds < 20
        assert SENTENCE.strip() in rest.parts[-1]
        said = len(text) - len("".join(rest.parts))
        assert 0 < said <= 160
        assert spoken_rests.is_being_spoken(session, broadcast.id)
        assert (broadcast.synthetic, bool(sound.media.synthetic)) == ("all", True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("😀🎉🇻🇳", "không có gì để đọc"),
        ("ສະບາຍດີ ພໍ່ແມ່ພີ່ນ້ອງ 3", "chữ Lao"),
        ("a" * 20_001, ""),
        (SENTENCE + "ສະບາຍດີພໍ່ແມ່ພີ່ນ້ອງ " * 60, "chữ Lao"),
    ],
    ids=["emoji", "lao", "too long", "lao after the beginning"],
)
def test_text_that_cannot_be_read_is_refused(
    house: House, client: FlaskClient, operator: Header, text: str, words: str
) -> None:
    refused = client.post(ROUTE, headers=operator, json={"zones": ["12"], "text": text})
    assert refused.status_code in (400, 409, 413, 422), refused.text
    assert words in refused.text
    with house.database.session() as session:
        assert session.query(Broadcast).count() == session.query(Media).count() == 0


def test_log_statistics_and_api_tell_synthetic_from_human(house: House, client: FlaskClient, operator: Header) -> None:
    with house.database.session() as session:
        for share in ("", "part", "all"):
            aired(session, {"loa-commune": "played"}, f"Bản tin {share}", synthetic=share)
        numbers = {one.synthetic: one.id for one in session.query(Broadcast)}
    shown = client.get(ROUTE, headers=operator).json
    assert shown is not None
    assert {one["id"]: one["synthetic"] for one in shown["items"]} == {
        numbers[share]: share or "none" for share in numbers
    }
    day = now().astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).date().isoformat()
    report = client.get(f"/api/v1/reports/broadcasts?since={day}&until={day}", headers=operator).json
    assert report is not None
    assert [(one["broadcasts"], one["synthetic"]) for one in report["items"]] == [(3, 2)]
    viewer = house.signed_in("viewer@x.example")
    assert "Giọng tổng hợp" in viewer.get(f"/broadcasts/{numbers['part']}").text
    assert "Giọng tổng hợp" not in viewer.get(f"/broadcasts/{numbers['']}").text
    table = viewer.get("/broadcasts?as=csv").text
    assert [line.rstrip("\r").endswith(("Toàn bộ", "Một phần")) for line in table.splitlines()[1:]].count(True) == 2


def test_panel_names_the_voices(house: House) -> None:
    assert "espeak-ng" in house.signed_in("editor@x.example").get("/programmes/0/edit").text
