"""Paper slips for officials: PIN, number to dial, and three steps to go on air."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Response
from markupsafe import Markup

from admin.entries.qr_codes import qr_code
from admin.layout.pages import page_shown_once
from admin.panel import Panel
from admin.set_up.progress import OFFICIAL_LINE
from broadcast_bridge.models import Zone
from haichieu.people import Official
from haichieu.unit_names import UnitName, unit_names
from ivr.calls.routing import Number


@dataclass(frozen=True)
class Slip:
    """One slip; without a number to dial, the station has no line for officials yet."""

    name: str
    unit: str
    code: str
    pin: str
    number: str
    phones: Sequence[str]
    zones: Sequence[Zone]

    @property
    def image(self) -> Markup:
        """The number as a QR code that a telephone dials (RFC 3966)."""
        return qr_code(f"tel:{self.number}")


def slips_page(panel: Panel, pins: Iterable[tuple[Official, str]]) -> Response:
    """Show the slips of officials with their new PINs, once."""
    new = {row.id: pin for row, pin in pins}
    with panel.database.reading() as session:
        names = unit_names(session)
        query = sa.select(Number.unit_id, Number.number).where(Number.flow == OFFICIAL_LINE).order_by(Number.id.desc())
        lines = {unit: number for unit, number in session.execute(query)}
        rows = session.scalars(sa.select(Official).where(Official.id.in_(new)).order_by(Official.code))
        slips = [_slip(row, new[row.id], names[row.unit_id], lines) for row in rows]
    return page_shown_once("officials/slips.html", slips=slips)


def _slip(row: Official, pin: str, unit: UnitName, lines: Mapping[int, str]) -> Slip:
    """Return a slip with the line of the official's unit, else of its commune, else the station's first."""
    first = next(reversed(list(lines.values())), "")
    number = lines.get(row.unit_id) or lines.get(unit.commune_id) or first
    zones = list(row.zones)  # type: ignore[attr-defined]
    return Slip(row.name, str(unit), row.code, pin, number, [phone.number for phone in row.phones], zones)
