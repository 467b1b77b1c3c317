import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.cap import Area, NamedValue
from broadcast_bridge.alerts.geography import Border, distance_km, in_circle, name_unit, speakers_concerned
from broadcast_bridge.alerts.geometry import Circle, Point
from broadcast_bridge.models import Speaker
from haichieu.database import Database
from haichieu.people import Level, Unit
from tests.broadcast_bridge.alerts.messages import NOW, place

SQUARE = (Point(22.9, 105.6), Point(22.9, 105.8), Point(23.1, 105.8), Point(23.1, 105.6), Point(22.9, 105.6))
HORSESHOE = (
    *(Point(0, 0), Point(0, 3), Point(3, 3), Point(3, 2), Point(1, 2), Point(1, 1), Point(3, 1), Point(3, 0)),
    Point(0, 0),
)


def area(
    codes: tuple[tuple[str, str], ...] = (), polygon: tuple[Point, ...] | None = None, circle: Circle | None = None
) -> Area:
    return Area(
        "Khu vực",
        tuple(NamedValue(*code) for code in codes),
        (polygon,) if polygon else (),
        (circle,) if circle else (),
    )


def codes(session: Session, *areas: Area) -> list[str]:
    return [speaker.code for speaker in speakers_concerned(session, areas).speakers]


def test_a_code_of_a_district_reaches_the_speakers_of_its_communes(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        place(session, "12", "01290")
        name_unit(session, here.district, "VN-DVHC", "043", "account:admin")
        session.flush()
        found = speakers_concerned(session, [area((("vn-dvhc", "043"),))])
        assert found.speakers == tuple(here.speakers)
        assert found.words == "Bảo Lạc"
        assert codes(session, area((("KHÁC", "043"),))) == []
        assert codes(session, area((("VN-DVHC", "0043"),))) == []


def test_naming_a_unit_twice_is_the_same_as_once(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        name_unit(session, here.commune, "VN-DVHC", "01285", "account:admin")
        session.flush()


def test_speakers_are_found_by_their_coordinates_and_removed_ones_are_not(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        inside, removed = here.speakers
        inside.latitude, inside.longitude = 22.95, 105.67
        removed.latitude, removed.longitude = 22.96, 105.68
        session.add(Speaker(code="xa", name="Xa", unit_id=here.commune.id, latitude=22.5, longitude=105.67))
        session.flush()
        assert codes(session, area(polygon=SQUARE)) == [inside.code, removed.code]
        removed.removed_at = NOW
        assert codes(session, area(circle=Circle(Point(22.95, 105.66), 2.0))) == [inside.code]
        assert speakers_concerned(session, [area(polygon=SQUARE)]).words == "Cô Ba"


def test_several_areas_are_meant_together_and_each_speaker_once(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        there = place(session, "12", "01290")
        for speaker in here.speakers:
            speaker.latitude, speaker.longitude = 22.95, 105.67
        session.flush()
        found = codes(session, area((("VN-DVHC", "01290"), ("VN-DVHC", "01285"))), area(polygon=SQUARE))
        assert found == [speaker.code for speaker in here.speakers + there.speakers]


def test_default_zones_are_not_used_for_an_area_outside_the_station(database: Database) -> None:
    with database.session() as session:
        here = place(session)
        assert speakers_concerned(session, [area((("VN-DVHC", "99999"),))], [here.zone]).speakers == ()
        assert speakers_concerned(session, [area()], [here.zone]).speakers == tuple(here.speakers)
        assert speakers_concerned(session, [], [here.zone]).words == here.zone.name
        here.zone.removed_at = NOW
        assert speakers_concerned(session, [area()], [here.zone]).speakers == ()


def test_a_unit_without_speakers_gives_none(database: Database) -> None:
    with database.session() as session:
        place(session)
        empty = Unit(code="E", name="Trống", level=Level.COMMUNE)
        session.add(empty)
        session.flush()
        name_unit(session, empty, "VN-DVHC", "05", "account:admin")
        session.flush()
        found = speakers_concerned(session, [area((("VN-DVHC", "05"),))])
        assert (found.speakers, found.words) == ((), "")


@pytest.mark.parametrize(
    ("latitude", "longitude", "inside"),
    [(0.5, 1.5, True), (2, 0.5, True), (2, 2.5, True), (2, 1.5, False), (4, 1, False), (-1, 1, False), (2, 4, False)],
)
def test_a_bay_of_a_polygon_is_outside_it(latitude: float, longitude: float, inside: bool) -> None:
    assert Border(HORSESHOE).surrounds(Point(latitude, longitude)) is inside


@given(st.floats(22.0, 24.0), st.floats(105.0, 106.0))
def test_in_a_rectangle_is_between_its_sides(latitude: float, longitude: float) -> None:
    if min(abs(latitude - 22.9), abs(latitude - 23.1), abs(longitude - 105.6), abs(longitude - 105.8)) < 1e-9:
        return
    assert Border(SQUARE).surrounds(Point(latitude, longitude)) == (
        22.9 < latitude < 23.1 and 105.6 < longitude < 105.8
    )


def test_distances_are_those_of_the_map() -> None:
    hanoi, cao_bang = Point(21.0285, 105.8542), Point(22.6657, 106.2576)
    assert distance_km(hanoi, cao_bang) == pytest.approx(186.8, abs=1.0)
    assert in_circle(hanoi, Circle(hanoi, 0.0))
    assert distance_km(Point(0, 0), Point(0, 180)) == pytest.approx(20015, abs=1)
