"""Polygons and circles of CAP areas as senders write them (CAP 1.2 §3.2.4).

The standard wants pairs "latitude,longitude" separated by spaces, and closed rings. Forms of which the meaning is clear
are read as well; in any other case ElementWrong says what is wrong with this one shape.
"""

import re
from dataclasses import dataclass

from broadcast_bridge.alerts.errors import ElementWrong
from haichieu.locale import message

_DECORATION = re.compile(r"[()\[\]{}°º]|(?i:\b(?:multi)?polygon\b)")
_DIRECTED = re.compile(r"\d\s*[NE](?![\w+-])")
"""A number with the direction north or east, as in "22.9N"; those in the south or west stay unclear."""
_DECIMAL_COMMAS = re.compile(r"\d{1,3},\d+(?:[\s;]+\d{1,3},\d+)+(?:[\s;]+\d+)?")
_NUMBER = re.compile(r"[+-]?(?:\d{1,9}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_LEAST_CORNERS = 3


@dataclass(frozen=True)
class Point:
    """A place in WGS-84 degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class Circle:
    """A centre and a radius in kilometres."""

    centre: Point
    radius_km: float


def read_polygon(text: str) -> tuple[Point, ...]:
    """Return the corners of a polygon, the last equal to the first; a ring that is open is closed.

    Raises ElementWrong.
    """
    corners = _points("polygon", _pairs("polygon", text))
    if corners[0] != corners[-1]:
        corners += corners[:1]
    if len(set(corners)) < _LEAST_CORNERS:
        raise ElementWrong("polygon", message("alert.element.polygon"))
    return corners


def read_circle(text: str) -> Circle:
    """Return a circle, from "latitude,longitude radius" or the same with other separators. Raises ElementWrong."""
    numbers = _words(re.sub(r"\s*km\.?\s*$", "", _plain(text), flags=re.IGNORECASE))
    if len(numbers) != 3:
        raise ElementWrong("circle", message("alert.element.circle", value=text[:40]))
    latitude, longitude, radius = numbers
    kilometres = _number("circle", radius)
    if kilometres < 0:
        raise ElementWrong("circle", message("alert.element.radius", value=radius))
    (centre,) = _points("circle", [(latitude, longitude)])
    return Circle(centre, kilometres)


def _pairs(element: str, text: str) -> list[tuple[str, str]]:
    """Return the pairs of a list: "a,b c,d" and with heights "a,b,h c,d,h", "a b, c d", or "a b c d" and "a,b,c,d"."""
    plain = _plain(text)
    written = re.sub(r"\s*,\s*", ",", plain.strip(",; ")).replace(";", " ").split()
    groups = [_words(place) for place in written]
    if len({len(group) for group in groups}) == 1 and len(groups[0]) in (2, 3):
        return [(group[0], group[1]) for group in groups]
    groups = [group for place in re.split("[,;|]", plain) if (group := _words(place))]
    if len(groups) > 1 and {len(group) for group in groups} == {2}:
        return [(group[0], group[1]) for group in groups]
    numbers = _words(plain)
    if not numbers or len(numbers) % 2 or (len(written) > 1 and "," in plain):
        wrong = next((pair for pair in written if pair.count(",") != 1), text)
        raise ElementWrong(element, message("alert.element.point", value=wrong[:40]))
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _plain(text: str) -> str:
    """Return coordinates without brackets and signs, with decimal points.

    Decimal commas are recognised by their result: as pairs of whole degrees, the numbers would be no places in one
    order, since every second one, a longitude of Vietnam, would be a latitude beyond the pole.
    """
    plain = _DECORATION.sub(" ", text.replace("−", "-")).strip()
    if len(_DIRECTED.findall(plain)) == len(re.findall(r"\d+(?:\.\d*)?", plain)):
        plain = re.sub(r"\s*[NE]", "", plain)
    if _DECIMAL_COMMAS.fullmatch(plain):
        degrees = [int(number.partition(",")[0]) for number in re.split(r"[\s;]+", plain)]
        if any((first > 90) != (second > 90) for first, second in zip(degrees[::2], degrees[1::2], strict=False)):
            return plain.replace(",", ".")
    return plain


def _points(element: str, pairs: list[tuple[str, str]]) -> tuple[Point, ...]:
    """Return the places; with longitude first where no other order is possible, as it always is in Vietnam."""
    places = [(_number(element, first), _number(element, second)) for first, second in pairs]
    if any(abs(first) > 90 for first, _second in places):
        places = [(second, first) for first, second in places]
    for latitude, longitude in places:
        if abs(latitude) > 90 or abs(longitude) > 180:
            raise ElementWrong(element, message("alert.element.off_earth", value=f"{latitude},{longitude}"))
    return tuple(Point(latitude, longitude) for latitude, longitude in places)


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,;]+", text) if word]


def _number(element: str, text: str) -> float:
    if _NUMBER.fullmatch(text) is None:
        raise ElementWrong(element, message("alert.element.number", value=text[:40]))
    return float(text)
