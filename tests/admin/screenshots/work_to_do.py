"""Repairs of speakers and a publication duty in the pictures, which wait for someone to act."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.duties.duty_register import DutyDraft, add_duty
from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.repairs.states import Fault
from broadcast_bridge.schedule.editing import Planner
from haichieu.database import now
from haichieu.people import Right, Unit
from tests.builders.days import local_day
from tests.builders.repairs import repair

_REPAIRS = (
    ("cb-03", Fault.SILENT, "Đứt dây loa sau mưa", "10 m dây loa 2×1,5", 85_000),
    ("cp-01", Fault.UNSAFE, "", "", None),
)


def work_to_do(session: Session) -> None:
    """Add it."""
    for code, fault, work, parts, cost in _REPAIRS:
        speaker = session.scalars(sa.select(Speaker.id).where(Speaker.code == code)).one()
        repair(session, speaker, fault, work=work, parts=parts, cost=cost)
    unit = session.scalars(sa.select(Unit.id).where(Unit.code == "BL-CB")).one()
    zone = session.scalars(sa.select(Zone.id).where(Zone.code == "11")).one()
    draft = DutyDraft(
        "Danh sách hộ nghèo năm 2026", "publication", unit, [zone], local_day(now()), datetime.time(5, 30)
    )
    everywhere = frozenset(session.scalars(sa.select(Unit.id)))
    add_duty(session, draft, Planner("account:quantri@baolac.example", frozenset({Right.SCHEDULE}), everywhere), now())
