"""Work on a repair: notes, spare parts and cost; closing and reopening."""

import datetime
import re
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Delivery, Speaker
from broadcast_bridge.repairs.errors import AlreadyOpen, NoSuchRepair, RepairMistakes, RepairNotAllowed
from broadcast_bridge.repairs.models import Repair
from broadcast_bridge.repairs.reporting import LONGEST_TEXT, open_repair_of
from broadcast_bridge.repairs.states import REPAIR, Outcome, RepairEvent, RepairState
from haichieu import audit
from haichieu.alarms import AlarmKind, alarm_is_over
from haichieu.locale import Message, message
from haichieu.people import Official, Right, units_under

MOST_COST = 10**12
MOST_DAYS = 9999
MOST_AT_ONCE = 100
"""Repairs per call."""
_GROUPED = re.compile(r"\d{1,3}(?:([ .,])\d{3}(?:\1\d{3})*)?|\d+")


def find(session: Session, number: int) -> Repair:
    """Return a repair, locked. Raises NoSuchRepair."""
    repair = session.get(Repair, number, with_for_update=True, populate_existing=True)
    if repair is None:
        raise NoSuchRepair(number)
    return repair


def technician(session: Session, official_id: int) -> Collection[int]:
    """Return the units whose speakers an official repairs: their own and those below. Raises RepairNotAllowed."""
    official = session.get_one(Official, official_id)
    if not official.may_do(Right.REPAIR):
        raise RepairNotAllowed(official.code)
    return units_under(session, [official.unit_id])


def open_in(session: Session, units: Collection[int]) -> list[int]:
    """Return the ids of the open repairs in these units, those that may fall first, then the oldest."""
    return list(
        session.scalars(
            sa.select(Repair.id)
            .join(Speaker)
            .where(Repair.state == RepairState.OPEN, Speaker.unit_id.in_(units))
            .order_by(Repair.fault != "unsafe", Repair.id)
            .limit(MOST_AT_ONCE)
        )
    )


def note(session: Session, repair: Repair, fields: dict[str, str], who: str) -> None:
    """Write the fields of the form (`work`, `parts`, `cost`, `days_lost`) to a repair. Raises RepairMistakes."""
    problems: dict[str, Message] = {}
    cost = _number(fields.get("cost", ""), MOST_COST, "cost", problems)
    days = _number(fields.get("days_lost", ""), MOST_DAYS, "days_lost", problems)
    texts = {name: fields.get(name, "").replace("\x00", "").strip() for name in ("work", "parts")}
    for name, text in texts.items():
        if len(text) > LONGEST_TEXT:
            problems[name] = message("repair.too_long", most=LONGEST_TEXT)
    if problems:
        raise RepairMistakes(problems)
    repair.work, repair.parts, repair.cost, repair.days_lost_stated = texts["work"], texts["parts"], cost, days
    audit.record(session, who, "repair.note", f"repair:{repair.id}", cost=-1 if cost is None else cost)


def close(
    session: Session,
    repair: Repair,
    outcome: Outcome,
    who: str,
    at: datetime.datetime,
    test_id: int | None = None,
) -> None:
    """Close a repair; `test_id` is the broadcast of the test tone that proves it. Raises IllegalTransition."""
    repair.state = REPAIR.after(RepairState(repair.state), RepairEvent.CLOSE)
    repair.closed_at, repair.closed_by, repair.outcome, repair.test_id = at, who, outcome, test_id
    speaker = session.get_one(Speaker, repair.speaker_id)
    for kind in (AlarmKind.SPEAKER_UNSAFE, AlarmKind.SPEAKER_AWAY):
        alarm_is_over(session, kind, f"speaker:{speaker.code}")
    audit.record(session, who, "repair.close", f"repair:{repair.id}", outcome=str(outcome), test=test_id or 0)


def reopen(session: Session, repair: Repair, who: str) -> None:
    """Open a repair again. Raises AlreadyOpen while the speaker has another, IllegalTransition."""
    session.get_one(Speaker, repair.speaker_id, with_for_update={"key_share": True}, populate_existing=True)
    other = open_repair_of(session, repair.speaker_id)
    if other is not None and other is not repair:
        raise AlreadyOpen(other.id)
    repair.state = REPAIR.after(RepairState(repair.state), RepairEvent.REOPEN)
    repair.closed_at, repair.closed_by, repair.outcome, repair.test_id = None, "", Outcome.OPEN, None
    audit.record(session, who, "repair.reopen", f"repair:{repair.id}")


def test_played(session: Session, test_id: int) -> bool | None:
    """Return whether the speaker played the test tone; None while that is open."""
    delivery = session.scalar(sa.select(Delivery).where(Delivery.broadcast_id == test_id))
    if delivery is None or delivery.active:
        return None
    return delivery.heard is not False and delivery.first_audio_at is not None


def _number(text: str, most: int, field: str, problems: dict[str, Message]) -> int | None:
    """Return a whole number, with or without separators of thousands; None for an empty field."""
    text = " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())
    if not text:
        return None
    if not text.isascii() or not _GROUPED.fullmatch(text) or int(re.sub(r"\D", "", text)) > most:
        problems[field] = message(f"repair.wrong_{field}", most=most)
        return None
    return int(re.sub(r"\D", "", text))
