"""The map of speakers: states by sign and colour, groups, and the outline that an administrator brings."""

import io
import json
import re

import pytest

from admin.speakers.map_drawing import box_of, draw
from admin.speakers.map_outline import MOST_BYTES, MOST_POINTS, read_outline
from broadcast_bridge.models import Speaker
from haichieu.database import now
from haichieu.errors import UsageError
from tests.builders.house import Browser, House

SQUARE = [[105.0, 22.0], [106.0, 22.0], [106.0, 23.0], [105.0, 22.0]]
COMMUNE = {"type": "Feature", "properties": {"name": "<b>"}, "geometry": {"type": "Polygon", "coordinates": [SQUARE]}}


def place(house: House, **places: tuple[float, float]) -> None:
    with house.database.session() as session:
        for code, (latitude, longitude) in places.items():
            row = session.query(Speaker).filter_by(code=f"loa-{code}").one()
            row.latitude, row.longitude = latitude, longitude


def send(browser: Browser, content: object, **more: str):  # type: ignore[no-untyped-def]
    sent = content if isinstance(content, bytes) else json.dumps(content).encode()
    return browser.post("/speakers/map", "/account", file=(io.BytesIO(sent), "xa.geojson"), **more)


def test_each_speaker_is_a_link_with_its_state_in_words_and_sign(house: House) -> None:
    viewer = house.signed_in("viewer@x.example")
    assert "<svg viewBox" not in viewer.get("/speakers/map").text
    place(house, commune=(22.9, 105.6), village=(22.95, 105.7), other=(23, 105.8))
    shown = viewer.get("/speakers/map").text
    links = re.findall(r'<a href="(/speakers/[0-9]+)" transform[^>]* aria-label="([^"]*)"', shown)
    assert [label for _, label in links] == [
        "Loa commune (Đơn vị commune): kết nối", "Loa village (Đơn vị village (Đơn vị commune)): chưa từng kết nối",
    ]  # fmt: skip
    assert re.findall(r'class="sign"[^>]*>(.)<', shown.split("<figcaption>")[0]) == ["✓", "?"]
    assert "other" not in shown
    assert "away" not in viewer.get("/speakers/map?state=reachable").text.split("</form>")[-1]


def test_close_speakers_are_a_group_that_opens_larger(house: House) -> None:
    place(house, district=(23.5, 106.5), commune=(22.9, 105.6), village=(22.901, 105.601), other=(22.901, 105.601))
    with house.database.session() as session:
        session.query(Speaker).filter_by(code="loa-other").one().reachable_since = now()
        session.query(Speaker).filter_by(code="loa-other").one().reachable = False
    browser = house.signed_in("viewer@district.example")
    shown = browser.get("/speakers/map").text
    assert "3 cụm loa gần nhau: 1 mất kết nối, 1 chưa từng kết nối, 1 kết nối" in shown
    box = re.search(r'href="(/speakers/map\?box=[^"]*)"', shown)
    assert box
    larger = browser.get(box[1].replace("&amp;", "&")).text
    assert "Loa commune (Đơn vị commune): kết nối" in larger
    assert 'href="#together"' in larger
    assert "Các cụm loa ở cùng một chỗ" in larger
    assert "Loa district" not in larger


def test_outline_is_drawn_under_the_speakers_and_removed(house: House) -> None:
    admin, viewer = house.signed_in("admin@district.example"), house.signed_in("viewer@x.example")
    assert send(admin, {"type": "FeatureCollection", "features": [COMMUNE]}).status_code == 303
    place(house, commune=(22.5, 105.9))
    shown = viewer.get("/speakers/map").text
    assert re.search(r'<path class="outline" d="M[0-9., -]+"/>', shown)
    assert "<b>" not in shown
    assert "GeoJSON" not in shown
    assert send(house.signed_in("admin@x.example"), COMMUNE).status_code == 403
    assert admin.post("/speakers/map", "/account", remove="yes").status_code == 303
    assert "outline" not in viewer.get("/speakers/map").text


POLYGON = {"type": "Polygon", "coordinates": [SQUARE]}


@pytest.mark.parametrize(
    "content",
    [
        POLYGON,
        {"type": "MultiPolygon", "coordinates": [[SQUARE], [SQUARE]]},
        {"type": "LineString", "coordinates": SQUARE},
        {"type": "GeometryCollection", "geometries": [POLYGON, {"type": "Point", "coordinates": [1, 2]}]},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": None}, COMMUNE]},
        {"type": "Polygon", "coordinates": [[[105, 22, 300.5], [106, 23, 0]]]},
    ],
)
def test_every_kind_of_boundary_is_read(content: object) -> None:
    assert read_outline(json.dumps(content).encode())[0][0] == (105.0, 22.0)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "not_geojson"), (b"\xff\xfe", "not_geojson"), (b"[1]", "not_geojson"), (b"{}", "not_geojson"),
        (b"[" * 100_000, "not_geojson"), (b'{"type": "Polygon", "coordinates": [[[NaN, 2]]]}', "not_geojson"),
        (b'{"type": "Polygon", "coordinates": [[[1e999, 2]]]}', "not_degrees"),
        (b'{"type": "Polygon", "coordinates": [[[545678.1, 2540123.5]]]}', "not_degrees"),
        (b'{"type": "Polygon", "coordinates": [[["1", "2"]]]}', "not_geojson"),
        (b'{"type": "Polygon", "coordinates": [[[true, false]]]}', "not_geojson"),
        (b'{"type": "Polygon", "coordinates": [[[1]]]}', "not_geojson"),
        (b'{"type": "Point", "coordinates": [1, 2]}', "not_geojson"),
        (b'{"type": "GeometryCollection", "geometries": [' * 20 + b"]}" * 20, "not_geojson"),
        (b'{"type": "LineString", "coordinates": [' + b"[1,2]," * MOST_POINTS + b"[1,2]]}", "too_large"),
        (b" " * (MOST_BYTES + 1), "too_large"),
    ],
)  # fmt: skip
def test_file_without_boundaries_is_refused(content: bytes, key: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read_outline(content)
    assert refusal.value.message.key == f"panel.map.{key}"


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "nan,1,2,3", "inf,1,2,3", "3,1,2,4", "1,2,1,3", "1,-91,2,3"])
def test_area_in_the_address_that_is_none_is_ignored(text: str) -> None:
    assert box_of(text) is None


def test_thousands_of_speakers_and_points_are_drawn_small() -> None:
    speakers = [
        Speaker(
            code=f"s{i}",
            name=f"Loa {i}",
            multicast="",
            reachable=True,
            latitude=22 + i % 50 / 50,
            longitude=105 + i / 2000,
        )
        for i in range(2000)
    ]
    ring = [(105 + i / 50_000, 22.0) for i in range(50_000)]
    drawn = draw(speakers, [ring], None)
    assert drawn is not None
    assert len(drawn.marks) < 700
    assert len(drawn.outline) < 10_000
    assert sum(len(mark.speakers) for mark in drawn.marks) == 2000
