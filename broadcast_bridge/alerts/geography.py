"""Loudspeakers in the area of an alert, by geocodes of units, polygons and circles.

Coordinates are WGS-84 degrees. Areas across the 180th meridian are not supported.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.cap import Area
from broadcast_bridge.alerts.geometry import Circle, Point
from broadcast_bridge.alerts.models import UnitGeocode
from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.speakers.zones import speakers_in
from haichieu import audit
from haichieu.people import Unit, units_under

EARTH_KM = 6371.0088
"""Mean radius (IUGG)."""
AUDIBLE_KM = 0.5
"""How far a loudspeaker is heard: a circle of radius 0 means a point, and the people there hear the speakers around."""

COMMUNE_DIGITS = 5
"""Of a code in the list of the General Statistics Office; those of the north begin with 0."""

_SEPARATORS = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class Coverage:
    """The speakers in an area, and the names of the units and zones by which they were found."""

    speakers: tuple[Speaker, ...]
    words: str


def speakers_concerned(session: Session, areas: Sequence[Area], default_zones: Iterable[Zone] = ()) -> Coverage:
    """Return the speakers in any of the areas, or those of the default zones when no area names a place.

    An area that names a place outside the station returns nothing: a fallback would alarm the wrong village.
    """
    if not any(area.geocodes or area.polygons or area.circles for area in areas):
        zones = sorted((zone for zone in default_zones if zone.removed_at is None), key=lambda zone: zone.code)
        found = speakers_in(session, [zone.id for zone in zones])
        return Coverage(tuple(found), ", ".join(zone.name for zone in zones) if found else "")
    units = units_named(session, areas)
    below = units_under(session, [unit.id for unit in units])
    speakers = session.scalars(sa.select(Speaker).where(Speaker.removed_at.is_(None)).order_by(Speaker.code)).all()
    by_unit = {speaker.id for speaker in speakers if speaker.unit_id in below}
    by_place = _ids_inside(speakers, areas)
    concerned = tuple(speaker for speaker in speakers if speaker.id in by_unit | by_place)
    named = {unit.id: unit.name for unit in units if by_unit}
    named |= {s.unit_id: s.unit.name for s in concerned if s.id not in by_unit}
    return Coverage(concerned, ", ".join(sorted(set(named.values()))))


def units_named(session: Session, areas: Iterable[Area]) -> list[Unit]:
    """Return the units that the geocodes of the areas refer to; the case of a scheme's name is ignored.

    A value may be a list: the standard wants a geocode for each, but some senders write all codes into one.
    Spreadsheets take the first zero of a commune's code, which has five digits.
    """
    wanted = {
        (code.name.casefold(), value)
        for area in areas
        for code in area.geocodes
        for one in (code.value, *_SEPARATORS.split(code.value))
        for value in (one, one.zfill(COMMUNE_DIGITS) if len(one) == COMMUNE_DIGITS - 1 and one.isdecimal() else one)
    }
    rows = session.scalars(
        sa.select(UnitGeocode).where(UnitGeocode.value.in_({value for _scheme, value in wanted})).order_by("id")
    )
    units = {row.unit_id: row.unit for row in rows if (row.scheme.casefold(), row.value) in wanted}
    return list(units.values())


def name_unit(session: Session, unit: Unit, scheme: str, value: str, actor: str) -> None:
    """Record that a unit is called `value` in the list `scheme`; existing entries remain."""
    same = sa.select(UnitGeocode.id).where(
        UnitGeocode.unit_id == unit.id, UnitGeocode.scheme == scheme, UnitGeocode.value == value
    )
    if session.scalar(same) is None:
        session.add(UnitGeocode(unit_id=unit.id, scheme=scheme, value=value))
        audit.record(session, actor, "unit.geocode", f"unit:{unit.code}", scheme=scheme, value=value)


class Border:
    """A closed polygon that can be tested for many places."""

    def __init__(self, corners: Sequence[Point]) -> None:
        self._latitudes = np.array([corner.latitude for corner in corners])
        self._longitudes = np.array([corner.longitude for corner in corners])

    def surrounds(self, place: Point) -> bool:
        """Return whether a ray from the place to the east crosses the border an odd number of times."""
        if not self._latitudes.min() <= place.latitude <= self._latitudes.max():
            return False
        if not self._longitudes.min() <= place.longitude <= self._longitudes.max():
            return False
        south, north = self._latitudes[:-1], self._latitudes[1:]
        crosses = (south > place.latitude) != (north > place.latitude)
        west, east = self._longitudes[:-1][crosses], self._longitudes[1:][crosses]
        share = (place.latitude - south[crosses]) / (north[crosses] - south[crosses])
        return bool(np.count_nonzero(place.longitude < west + share * (east - west)) % 2)


def in_circle(place: Point, circle: Circle) -> bool:
    """Return whether a place is within the radius of the centre, along the great circle, or within AUDIBLE_KM."""
    return distance_km(place, circle.centre) <= max(circle.radius_km, AUDIBLE_KM)


def distance_km(one: Point, other: Point) -> float:
    """Return the great-circle distance of two places (haversine formula)."""
    south, north = math.radians(one.latitude), math.radians(other.latitude)
    half = math.sin((north - south) / 2) ** 2
    half += math.cos(south) * math.cos(north) * math.sin(math.radians(other.longitude - one.longitude) / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))


def _ids_inside(speakers: Iterable[Speaker], areas: Sequence[Area]) -> set[int]:
    borders = [Border(polygon) for area in areas for polygon in area.polygons]
    circles = [circle for area in areas for circle in area.circles]
    return {
        speaker.id
        for speaker in speakers
        if (place := _place(speaker))
        and (any(border.surrounds(place) for border in borders) or any(in_circle(place, circle) for circle in circles))
    }


def _place(speaker: Speaker) -> Point | None:
    if speaker.latitude is None or speaker.longitude is None:
        return None
    return Point(speaker.latitude, speaker.longitude)
