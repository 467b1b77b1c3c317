"""Polygons and circles of CAP areas as senders write them (CAP 1.2 §3.2.4).

The standard wants pairs "latitude,longitude" separated by spaces, and closed rings. Forms of which the meaning is clear
are read as well; in any other case ElementWrong says what is wrong with this one shape.
"""

import re
from dataclasses import dataclass

from broadcast_bridge.alerts.errors import ElementWrong
from haichieu.locale import message

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
    numbers = _words(text)
    if len(numbers) != 3:
        raise ElementWrong("circle", message("alert.element.circle", value=text[:40]))
    latitude, longitude, radius = numbers
    kilometres = _number("circle", radius)
    if kilometres < 0:
        raise ElementWrong("circle", message("alert.element.radius", value=radius))
    (centre,) = _points("circle", [(latitude, longitude)])
    return Circle(centre, kilometres)


def _pairs(element: str, text: str) -> list[tuple[str, str]]:
    """Return the pairs of a list "a,b c,d", or of one with only one kind of separator: "a b c d", "a,b,c,d"."""
    written = re.sub(r"\s*,\s*", ",", text.strip().strip(",;")).replace(";", " ").split()
    if written and all(pair.count(",") == 1 for pair in written):
        return [(pair.partition(",")[0], pair.partition(",")[2]) for pair in written]
    numbers = _words(text)
    if not numbers or len(numbers) % 2 or (len(written) > 1 and "," in text):
        wrong = next((pair for pair in written if pair.count(",") != 1), text)
        raise ElementWrong(element, message("alert.element.point", value=wrong[:40]))
    return list(zip(numbers[::2], numbers[1::2], strict=True))


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
