"""Outline of the communes on the map: from a GeoJSON file (RFC 7946) that an administrator brings.

Only its lines are kept, as numbers, in the folder `map` of the home, which backups contain.
"""

import json
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from haichieu.errors import UsageError

FOLDER = "map"
MOST_BYTES = 900_000
MOST_POINTS = 50_000
_DEEPEST = 10

Ring = Sequence[tuple[float, float]]
"""Longitudes and latitudes of one line."""


def read_outline(content: bytes) -> list[Ring]:
    """Return the lines of a GeoJSON file. Raises UsageError."""
    if len(content) > MOST_BYTES:
        raise UsageError("panel.map.too_large", kilobytes=MOST_BYTES // 1000)
    try:
        document = json.loads(content.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise UsageError("panel.map.not_geojson") from problem
    rings = list(_rings(document, _DEEPEST))
    if not rings:
        raise UsageError("panel.map.not_geojson")
    if sum(len(ring) for ring in rings) > MOST_POINTS:
        raise UsageError("panel.map.too_large", kilobytes=MOST_BYTES // 1000)
    return rings


def keep_outline(home: Path, rings: Sequence[Ring]) -> None:
    """Store the outline in place of an earlier one; none removes it."""
    file = _file(home)
    if not rings:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps(rings))
    os.replace(new, file)


def kept_outline(home: Path) -> list[Ring]:
    """Return the stored outline, empty without one."""
    try:
        return [[(float(x), float(y)) for x, y in ring] for ring in json.loads(_file(home).read_text())]
    except (OSError, ValueError, TypeError):
        return []


def _file(home: Path) -> Path:
    return home / FOLDER / "outline.json"


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _rings(value: object, deepest: int) -> Iterator[Ring]:
    """Yield the lines of an object of GeoJSON; points and other members are left out. Raises UsageError."""
    if not isinstance(value, dict) or deepest == 0:
        raise UsageError("panel.map.not_geojson")
    kind, inside = value.get("type"), value.get("coordinates")
    if kind in ("FeatureCollection", "GeometryCollection"):
        for one in _listed(value.get("features" if kind == "FeatureCollection" else "geometries")):
            yield from _rings(one, deepest - 1)
    elif kind == "Feature":
        if value.get("geometry") is not None:
            yield from _rings(value["geometry"], deepest - 1)
    elif kind == "MultiPolygon":
        yield from (_ring(ring) for polygon in _listed(inside) for ring in _listed(polygon))
    elif kind in ("Polygon", "MultiLineString"):
        yield from (_ring(ring) for ring in _listed(inside))
    elif kind == "LineString":
        yield _ring(inside)
    elif kind not in ("Point", "MultiPoint"):
        raise UsageError("panel.map.not_geojson")


def _ring(value: object) -> Ring:
    return [_point(one) for one in _listed(value)]


def _point(value: object) -> tuple[float, float]:
    numbers = [one for one in _listed(value)[:2] if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(numbers) < 2:
        raise UsageError("panel.map.not_geojson")
    try:
        x, y = (float(one) for one in numbers)
    except OverflowError as problem:
        raise UsageError("panel.map.not_degrees") from problem
    if not (math.isfinite(x) and math.isfinite(y) and abs(x) <= 180 and abs(y) <= 90):
        raise UsageError("panel.map.not_degrees")
    return round(x, 6), round(y, 6)


def _listed(value: object) -> list[object]:
    if not isinstance(value, list):
        raise UsageError("panel.map.not_geojson")
    return value
