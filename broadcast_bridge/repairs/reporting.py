"""Reports of faults: each opens the one repair of its speaker, or joins it."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Speaker
from broadcast_bridge.repairs.errors import PoleElsewhere, PoleRetired, UnknownPole
from broadcast_bridge.repairs.models import FaultReport, Repair
from broadcast_bridge.repairs.pole_codes import speaker_of_code
from broadcast_bridge.repairs.states import Fault, Origin, RepairState
from haichieu import audit
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.locale import message

LONGEST_TEXT = 2000
_GRAVITY = list(Fault)


@dataclass(frozen=True)
class Reported:
    """What is reported. `by` is the actor, empty for a citizen; `since` is when it began if that is known."""

    fault: Fault
    origin: Origin
    by: str = ""
    text: str = ""
    since: datetime.datetime | None = None


def speaker_at(session: Session, code: str, units: Collection[int]) -> Speaker:
    """Return the speaker of a pole code within these units.

    Raises WrongPoleCode, UnknownPole, PoleElsewhere or PoleRetired.
    """
    speaker = session.get(Speaker, speaker_of_code(code))
    if speaker is None:
        raise UnknownPole
    if speaker.unit_id not in units:
        raise PoleElsewhere(speaker.unit_id)
    if speaker.removed_at is not None:
        raise PoleRetired(speaker.name)
    return speaker


def open_repair_of(session: Session, speaker_id: int) -> Repair | None:
    """Return the open repair of a speaker, None without one."""
    return session.scalar(sa.select(Repair).where(Repair.speaker_id == speaker_id, Repair.state == RepairState.OPEN))


def report(session: Session, speaker_id: int, what: Reported, at: datetime.datetime) -> FaultReport:
    """Store a report in the open repair of the speaker, which it opens when there is none. Raises PoleRetired."""
    # Reports of one pole arrive at the same time: the lock makes the second one see the repair of the first.
    speaker = session.get_one(Speaker, speaker_id, with_for_update={"key_share": True}, populate_existing=True)
    if speaker.removed_at is not None:
        raise PoleRetired(speaker.name)
    who = what.by or str(what.origin)
    repair = open_repair_of(session, speaker_id)
    if repair is None:
        repair = Repair(speaker_id=speaker_id, fault=what.fault, broken_since=what.since or at, opened_at=at)
        session.add(repair)
        session.flush()
        audit.record(session, who, "repair.open", f"repair:{repair.id}", speaker=speaker.code, fault=str(what.fault))
    else:
        repair.fault = min(Fault(repair.fault), what.fault, key=_GRAVITY.index)
        audit.record(session, who, "repair.report", f"repair:{repair.id}", fault=str(what.fault))
    made = FaultReport(
        repair=repair, fault=what.fault, origin=what.origin, reported_by=what.by, at=at, text=what.text[:LONGEST_TEXT]
    )
    session.add(made)
    session.flush()
    if what.fault is Fault.UNSAFE:
        text = message("repair.alarm_unsafe", speaker=speaker.name)
        raise_alarm(session, AlarmKind.SPEAKER_UNSAFE, f"speaker:{speaker.code}", text)
    return made
