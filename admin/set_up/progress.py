"""Remaining set-up steps, and the state of the test call."""

import datetime
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from admin.access.visitors import Visitor
from broadcast_bridge.broadcasts.states import Kind
from broadcast_bridge.models import Broadcast, Speaker, Zone, official_zones
from haichieu.audit import AuditEntry
from haichieu.people import Official, OfficialPhone, Unit
from haichieu.phone_sign_in import RIGHT, WRONG
from haichieu.sip.models import Phone, Trunk
from haichieu.station import the_station
from ivr.calls.routing import Number
from ivr.calls.trial_calls import TrialCall, TrialState
from ivr.prompts.custom import CustomPrompt
from ivr.prompts.prompt_texts import PromptTexts

OFFICIAL_LINE = "official-line"


class Step(StrEnum):
    """The steps in order."""

    UNIT = "unit"
    LANGUAGE = "language"
    LINE = "line"
    NUMBER = "number"
    SPEAKER = "speaker"
    ZONE = "zone"
    OFFICIAL = "official"
    TEST_CALL = "test_call"
    """The station calls a telephone, whose user hears a sentence."""
    BROADCAST = "broadcast"
    """An official calls the station and is heard on a speaker."""


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
    spoke = sa.select(Broadcast.id).where(Broadcast.kind == Kind.LIVE, Broadcast.live_at.is_not(None))
    there: dict[Step, sa.SelectBase] = {
        Step.UNIT: sa.select(Unit.id),
        Step.LINE: sa.union_all(sa.select(Phone.id), sa.select(Trunk.id)),
        Step.NUMBER: sa.select(Number.id).where(Number.flow == OFFICIAL_LINE),
        Step.SPEAKER: sa.select(Speaker.id).where(Speaker.removed_at.is_(None)),
        Step.ZONE: sa.select(Zone.id).where(Zone.removed_at.is_(None)),
        Step.OFFICIAL: sa.select(Official.id)
        .join(official_zones, official_zones.c.official_id == Official.id)
        .join(OfficialPhone, OfficialPhone.official_id == Official.id)
        .where(Official.pin_hash != ""),
        Step.TEST_CALL: sa.union_all(spoke, sa.select(TrialCall.id).where(TrialCall.state == TrialState.HEARD)),
        Step.BROADCAST: spoke,
    }
    row = session.execute(sa.select(*(sa.exists(query).label(step) for step, query in there.items()))).one()
    done = {step for step, is_there in zip(there, row, strict=True) if is_there}
    if has_voice(session, the_station(session).language):
        done.add(Step.LANGUAGE)
    return [step for step in Step if step not in done]


def has_voice(session: Session, language: str) -> bool:
    """Return whether the station has prompts in a language: built-in texts, or at least one of its own."""
    own = sa.select(CustomPrompt.id).where(CustomPrompt.language == language).limit(1)
    return language in _read_aloud() or session.scalar(own) is not None


def phones_to_call(session: Session, visitor: Visitor) -> list[tuple[str, str]]:
    """Return the telephones that a test call may ring, with their names: officials', and the station's own."""
    owners = sa.select(OfficialPhone).join(Official).where(Official.pin_hash != "", Official.unit_id.in_(visitor.units))
    owners = owners.options(joinedload(OfficialPhone.official)).order_by(Official.name, OfficialPhone.id)
    found = [(one.number, one.official.name) for one in session.scalars(owners)]
    if visitor.units.issuperset(session.scalars(sa.select(Unit.id))):
        found += [(one.caller_number, one.name) for one in session.scalars(sa.select(Phone).order_by(Phone.code))]
    return found


@cache
def _read_aloud() -> frozenset[str]:
    return PromptTexts.delivered().languages


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
