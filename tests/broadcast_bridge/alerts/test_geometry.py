import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast_bridge.alerts.errors import ElementWrong
from broadcast_bridge.alerts.geography import in_circle
from broadcast_bridge.alerts.geometry import Circle, Point, read_circle, read_polygon

TRIANGLE = (Point(22.9, 105.6), Point(22.9, 105.8), Point(23.1, 105.8), Point(22.9, 105.6))


@pytest.mark.parametrize(
    "text",
    [
        "22.9,105.6 22.9,105.8 23.1,105.8 22.9,105.6",
        "22.9,105.6 22.9,105.8 23.1,105.8",
        "\n22.9,105.6\n22.9,105.8\t23.1,105.8\n",
        "22.9, 105.6 22.9, 105.8 23.1, 105.8",
        "22.9 , 105.6; 22.9,105.8 ;23.1,105.8;",
        "22.9,105.6, 22.9,105.8, 23.1,105.8",
        "22.9,105.6,22.9,105.8,23.1,105.8",
        "22.9 105.6 22.9 105.8 23.1 105.8",
        "105.6,22.9 105.8,22.9 105.8,23.1 105.6,22.9",
        "22.9 105.6, 22.9 105.8, 23.1 105.8",
        "22.9,105.6,300 22.9,105.8,310.5 23.1,105.8,0",
        "(22.9,105.6) (22.9,105.8) (23.1,105.8)",
        "POLYGON((105.6 22.9, 105.8 22.9, 105.8 23.1, 105.6 22.9))",
        "[[105.6,22.9],[105.8,22.9],[105.8,23.1]]",
        "22.9°N, 105.6°E 22.9°N, 105.8°E 23.1°N, 105.8°E",
        "22,9 105,6 22,9 105,8 23,1 105,8",
        "105,6 22,9; 105,8 22,9; 105,8 23,1",
        "2.29E1,+105.6 22.90,105.80000000000000000000001 23.1,105.8",
    ],
)
def test_polygon_is_read_in_every_form_that_has_one_meaning(text: str) -> None:
    assert read_polygon(text) == TRIANGLE


@pytest.mark.parametrize(
    "text",
    [
        *("1,2 3,4 1,2", "1,2 1,2 1,2 1,2", "1,2 3,4 5 1,2", "1,2 3 4,5 6 7,8", "1,2,3 4,5,6", ",", ";", "x"),
        *("22.9S,105.6E 22.9S,105.8E 23.1S,105.8E", "22.9,105.6W 22.9,105.8W 23.1,105.8W", "1,2,3,4 5,6,7,8"),
        *("nan,2 3,4 5,6 nan,2", "inf,2 3,4 5,6", "95,2 3,95 5,6", "91,181 3,4 5,6", "1,2 3,4 5,6N", "1,2 3,4 ,"),
        *("", "٢,2 3,4 5,6"),
    ],
)
def test_polygon_whose_meaning_is_not_clear_is_named(text: str) -> None:
    with pytest.raises(ElementWrong):
        read_polygon(text)


@pytest.mark.parametrize(
    "text",
    [
        *("22.95,105.67 3.5", "22.95, 105.67 3.5", "22.95,105.67,3.5", "22.95 105.67\n3.5", "105.67,22.95 3.5"),
        *("22.95,105.67 3.5 km", "22.95,105.67 3.5KM", "22,95 105,67 3,5", "(22.95, 105.67) 3.5"),
    ],
)
def test_circle_is_read_with_any_separators(text: str) -> None:
    assert read_circle(text) == Circle(Point(22.95, 105.67), 3.5)


@pytest.mark.parametrize("text", ["22.9,105.6", "22.9,105.6 -1", "22.9,105.6 inf", "22.9,105.6 3 m", "", "x,y z"])
def test_circle_whose_meaning_is_not_clear_is_named(text: str) -> None:
    with pytest.raises(ElementWrong):
        read_circle(text)


def test_circle_of_no_extent_reaches_the_speakers_heard_there() -> None:
    point = read_circle("22.95,105.67 0")
    assert in_circle(Point(22.953, 105.67), point)
    assert not in_circle(Point(22.96, 105.67), point)


LATITUDES, LONGITUDES = st.floats(8, 24).map(lambda x: round(x, 6)), st.floats(102, 110).map(lambda x: round(x, 6))
CORNERS = st.lists(st.tuples(LATITUDES, LONGITUDES), min_size=3, max_size=12, unique=True)


@given(CORNERS, st.booleans(), st.booleans(), st.sampled_from([",", ", ", " ,"]), st.sampled_from([" ", "\n", "; "]))
def test_any_polygon_in_vietnam_is_read_as_it_was_meant(
    corners: list[tuple[float, float]], closed: bool, longitude_first: bool, comma: str, space: str
) -> None:
    written = [*corners, corners[0]] if closed else corners
    pairs = [f"{b:.6f}{comma}{a:.6f}" if longitude_first else f"{a:.6f}{comma}{b:.6f}" for a, b in written]
    assert read_polygon(space.join(pairs)) == tuple(Point(a, b) for a, b in [*corners, corners[0]])


@given(st.text(max_size=60) | st.text(alphabet="0123456789.,;-+e \n", max_size=60))
def test_any_text_is_a_shape_on_earth_or_is_named(text: str) -> None:
    for read in (read_polygon, read_circle):
        try:
            shape = read(text)
        except ElementWrong:
            continue
        points = [shape.centre] if isinstance(shape, Circle) else shape
        assert all(abs(point.latitude) <= 90 and abs(point.longitude) <= 180 for point in points)
