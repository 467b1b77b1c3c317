"""Remaining set-up steps, and the state of the test call."""

import datetime
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from broadcast_bridge.broadcasts.states import Kind
from broadcast_bridge.models import Broadcast, Speaker, Zone, official_zones
from haichieu.audit import AuditEntry
from haichieu.people import Official, OfficialPhone, Unit
from haichieu.phone_sign_in import RIGHT, WRONG
from ivr.calls.routing import Number

OFFICIAL_LINE = "official-line"


class Step(StrEnum):
    """The steps in order."""

    UNIT = "unit"
    NUMBER = "number"
    SPEAKER = "speaker"
    ZONE = "zone"
    OFFICIAL = "official"
    TEST_CALL = "test_call"


@dataclass(frozen=True)
class FirstCall:
    """Calls by officials: the latest sign-in attempts and the latest live broadcast."""

    tries: list[AuditEntry]
    broadcast: Broadcast | None

    @property
    def heard(self) -> int:
        """The number of speakers on which the voice plays or played."""
        return sum(one.first_audio_at is not None for one in self.broadcast.deliveries) if self.broadcast else 0


def missing(session: Session) -> list[Step]:
    """Return the open steps."""
    there = {
        Step.UNIT: sa.select(Unit.id),
        Step.NUMBER: sa.select(Number.id).where(Number.flow == OFFICIAL_LINE),
        Step.SPEAKER: sa.select(Speaker.id).where(Speaker.removed_at.is_(None)),
        Step.ZONE: sa.select(Zone.id).where(Zone.removed_at.is_(None)),
        Step.OFFICIAL: sa.select(Official.id)
        .join(official_zones, official_zones.c.official_id == Official.id)
        .where(Official.pin_hash != ""),
        Step.TEST_CALL: sa.select(Broadcast.id).where(Broadcast.kind == Kind.LIVE, Broadcast.live_at.is_not(None)),
    }
    row = session.execute(sa.select(*(query.exists().label(step) for step, query in there.items()))).one()
    return [step for step, done in zip(there, row, strict=True) if not done]


def first_call(session: Session, since: datetime.datetime) -> FirstCall:
    """Return the calls since a given time."""
    tries = session.scalars(
        sa.select(AuditEntry)
        .where(AuditEntry.at >= since, AuditEntry.action.in_([RIGHT, WRONG]))
        .order_by(AuditEntry.id.desc())
        .limit(5)
    ).all()
    broadcast = session.scalar(
        sa.select(Broadcast)
        .where(Broadcast.kind == Kind.LIVE, Broadcast.created_at >= since)
        .options(joinedload(Broadcast.official), selectinload(Broadcast.deliveries))
        .order_by(Broadcast.id.desc())
        .limit(1)
    )
    return FirstCall(list(tries), broadcast)


def who_can_call(session: Session) -> Official | None:
    """Return an official who can make the test call: with a zone, preferably with a phone."""
    with_phone = sa.select(OfficialPhone.id).where(OfficialPhone.official_id == Official.id).exists()
    query = (
        sa.select(Official)
        .join(official_zones, official_zones.c.official_id == Official.id)
        .where(Official.pin_hash != "")
        .options(selectinload(Official.phones), selectinload(Official.zones))  # type: ignore[attr-defined]
        .order_by(with_phone.desc(), Official.code)
        .limit(1)
    )
    return session.scalars(query).first()


def line_to_dial(session: Session) -> str:
    """Return the number of the officials' line, empty when there is none."""
    found = session.scalar(sa.select(Number.number).where(Number.flow == OFFICIAL_LINE).order_by(Number.id).limit(1))
    return found or ""
