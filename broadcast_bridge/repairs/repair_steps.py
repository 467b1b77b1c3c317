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
from broadcast_bridge.station_book.typed_values import BILLION, read_money
from haichieu import audit
from haichieu.alarms import AlarmKind, alarm_is_over
from haichieu.errors import InvalidValue
from haichieu.locale import Message, message
from haichieu.people import Official, Right, units_under

MOST_COST = 1000 * BILLION
MOST_DAYS = 9999
LONGEST_NAME = 200
MOST_AT_ONCE = 100
"""Repairs per call."""


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
    """Write the fields of the form to a repair: `in_charge`, `work`, `parts`, `cost`, `days_lost`.

    Raises RepairMistakes.
    """
    problems: dict[str, Message] = {}
    cost = _cost(fields.get("cost", ""), problems)
    days = _days(fields.get("days_lost", ""), problems)
    texts = {name: fields.get(name, "").replace("\x00", "").strip() for name in ("work", "parts")}
    for name, text in texts.items():
        if len(text) > LONGEST_TEXT:
            problems[name] = message("repair.too_long", most=LONGEST_TEXT)
    in_charge = " ".join(fields.get("in_charge", "").replace("\x00", "").split())
    if len(in_charge) > LONGEST_NAME:
        problems["in_charge"] = message("repair.too_long", most=LONGEST_NAME)
    if problems:
        raise RepairMistakes(problems)
    repair.in_charge = in_charge
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


def _cost(text: str, problems: dict[str, Message]) -> int | None:
    """Return an amount; None for an empty field."""
    try:
        return read_money(text, MOST_COST) if text.strip() else None
    except InvalidValue as problem:
        problems["cost"] = problem.message
        return None


def _days(text: str, problems: dict[str, Message]) -> float | None:
    """Return a number with at most one decimal; None for an empty field."""
    text = text.strip()
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,4}(?:[.,][0-9])?", text, re.ASCII) or (days := _number(text)) > MOST_DAYS:
        problems["days_lost"] = message("repair.wrong_days_lost", most=MOST_DAYS)
        return None
    return days


def _number(text: str) -> float:
    return float(text.replace(",", "."))
