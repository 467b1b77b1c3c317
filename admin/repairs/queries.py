"""Queries of repairs: the list, one repair with its reports, the history of a speaker, and the slips of poles."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session, joinedload, selectinload
from werkzeug.exceptions import NotFound

from admin.access.visitors import Visitor
from admin.layout.addresses import choice_asked, number_asked, text_asked
from broadcast_bridge.models import Speaker
from broadcast_bridge.repairs.errors import PoleRetired, WrongPoleCode
from broadcast_bridge.repairs.models import FaultReport, Repair
from broadcast_bridge.repairs.pole_codes import grouped, pole_code, speaker_of_code
from broadcast_bridge.repairs.states import RepairState
from broadcast_bridge.station_book.models import BookDevice
from haichieu.errors import UsageError
from haichieu.people import Unit, units_under
from ivr.calls.routing import FAULT_FLOW, Number, numbers_above

A_PAGE = 50
MOST_SLIPS = 300


@dataclass(frozen=True)
class Filter:
    """The filter of the list in the address; `state` None shows all."""

    state: RepairState | None
    unit: str

    @property
    def fields(self) -> dict[str, str]:
        """The query parameters."""
        return {"state": self.state or "all", **({"unit": self.unit} if self.unit else {})}


def filter_asked() -> Filter:
    """Return the filter in the address of this request; without one, open repairs are listed."""
    state = RepairState.OPEN if "state" not in request.args else choice_asked("state", RepairState)
    return Filter(state, text_asked("unit", 100))


def find_repairs(
    session: Session, visitor: Visitor, wanted: Filter, before: int | None, most: int = A_PAGE
) -> tuple[Sequence[Repair], int | None]:
    """Return one page of the list, the newest first, and the repair before which the next one begins."""
    units: Collection[int] = visitor.units
    if wanted.unit:
        unit = session.scalar(sa.select(Unit.id).where(Unit.code == wanted.unit))
        units = visitor.units & units_under(session, [unit] if unit else [])
    query = sa.select(Repair).join(Speaker).where(Speaker.unit_id.in_(units)).options(*_whole())
    if wanted.state is not None:
        query = query.where(Repair.state == wanted.state)
    if before is not None:
        query = query.where(Repair.id < before)
    found = session.scalars(query.order_by(Repair.id.desc()).limit(most + 1)).all()
    return found[:most], found[most - 1].id if len(found) > most else None


def repair_with_reports(session: Session, number: int) -> Repair:
    """Return a repair. Raises NotFound."""
    found = session.get(Repair, number, options=_whole())
    if found is None:
        raise NotFound
    return found


def repairs_of(session: Session, speaker_id: int, most: int) -> Sequence[Repair]:
    """Return the repairs of a speaker, the newest first."""
    query = sa.select(Repair).where(Repair.speaker_id == speaker_id).options(*_whole())
    return session.scalars(query.order_by(Repair.id.desc()).limit(most)).all()


def units_of_repair(session: Session, number: int) -> Iterable[int]:
    """Return the unit of a repair. Raises NotFound."""
    unit = session.scalar(sa.select(Speaker.unit_id).join(Repair).where(Repair.id == number))
    if unit is None:
        raise NotFound
    return [unit]


def speakers_to_choose(session: Session, visitor: Visitor) -> Sequence[tuple[str, str]]:
    """Return code and name of the visitor's speakers in use."""
    here = Speaker.unit_id.in_(visitor.units), Speaker.removed_at.is_(None)
    query = sa.select(Speaker.code, Speaker.name).where(*here).order_by(Speaker.code).limit(MOST_SLIPS)
    return [(code, name) for code, name in session.execute(query)]


def speaker_named(session: Session, text: str) -> Speaker:
    """Return the speaker of a code, of the code on its pole, or of a device in the station book.

    Raises UsageError or PoleRetired.
    """
    found = session.scalar(sa.select(Speaker).where(Speaker.code == text.strip()))
    if found is None:
        try:
            found = session.get(Speaker, speaker_of_code(text))
        except WrongPoleCode:
            found = _speaker_of_device(session, text.strip())
    if found is None:
        raise UsageError("panel.repairs.no_such_speaker", code=text[:40])
    if found.removed_at is not None:
        raise PoleRetired(found.name)
    return found


def _speaker_of_device(session: Session, code: str) -> Speaker | None:
    """Return the speaker of a device in the station book. Raises UsageError for a device that is no speaker."""
    device = session.scalar(sa.select(BookDevice).where(BookDevice.code == code))
    if device is not None and device.speaker is None:
        raise UsageError("panel.repairs.no_speaker_of_device", code=code)
    return device.speaker if device is not None else None


@dataclass(frozen=True)
class PoleSlip:
    """The slip of one pole; without a number to dial, the units above have no fault line."""

    speaker: Speaker
    code: str
    line: Number | None


def pole_slips(session: Session, visitor: Visitor, unit: str) -> tuple[list[PoleSlip], bool]:
    """Return the slips of the speakers in a unit, or of the one that the address names; and whether there are more."""
    query = sa.select(Speaker).where(Speaker.unit_id.in_(visitor.units), Speaker.removed_at.is_(None))
    if (only := number_asked("speaker")) is not None:
        query = query.where(Speaker.id == only)
    if unit:
        chosen = session.scalar(sa.select(Unit.id).where(Unit.code == unit))
        query = query.where(Speaker.unit_id.in_(units_under(session, [chosen] if chosen else [])))
    speakers = session.scalars(query.order_by(Speaker.code).limit(MOST_SLIPS + 1)).all()
    line_above = numbers_above(session, FAULT_FLOW)
    slips = [PoleSlip(one, grouped(pole_code(one.id)), line_above(one.unit_id)) for one in speakers[:MOST_SLIPS]]
    return slips, len(speakers) > MOST_SLIPS


def _whole() -> tuple[sa.orm.interfaces.ORMOption, ...]:
    return joinedload(Repair.speaker).joinedload(Speaker.unit), selectinload(Repair.reports).joinedload(
        FaultReport.sound
    )
