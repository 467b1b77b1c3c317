"""An emergency that is repeated until it is acknowledged on the spot or stopped: who may do what, and what is next.

No sound is made here. The studio sounds one round, tells `round_ended`, and is told whether another follows.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.models import AlertSource, CapAlert, Emergency, EmergencySpeaker
from broadcast_bridge.alerts.states import EMERGENCY, OUT_OF_FORCE, EmergencyEvent, EmergencyState
from broadcast_bridge.models import Speaker, official_zones
from broadcast_bridge.states import Priority
from broadcast_bridge.zones import speakers_in
from haichieu import audit
from haichieu.errors import HaiChieuError
from haichieu.media import Media
from haichieu.people import Account, Official, Right, Role, units_under

Actor = Official | Account | AlertSource

_ROLES = frozenset({Role.ADMIN, Role.OPERATOR})


class EmergencyRefused(HaiChieuError):
    """The emergency may not be started, stopped or acknowledged like this."""


class EmergencyNotAllowed(EmergencyRefused):
    """Who asks has no right to it."""


class NotLocal(EmergencyRefused):
    """The official answers for none of the places where it sounds."""


class NothingToSound(EmergencyRefused):
    """There is no speaker, or neither siren nor words."""


class EmergencyOver(EmergencyRefused):
    """It has ended already."""


class NextStep(StrEnum):
    """What follows when a round has ended."""

    REPEAT = "repeat"
    STOP = "stop"


@dataclass(frozen=True)
class RepeatPolicy:
    """How long it goes on: `repeats` rounds (0 = no limit), `pause_seconds` between two, `max_minutes` in all."""

    repeats: int = 0
    pause_seconds: float = 10.0
    max_minutes: int = 30

    def __post_init__(self) -> None:
        if self.repeats < 0 or self.pause_seconds < 0 or not 1 <= self.max_minutes <= 24 * 60:
            raise NothingToSound(
                "Số lần, quãng nghỉ không được âm; thời gian từ 1 phút đến 24 giờ. / "
                "Repeats and pause cannot be negative, and it lasts between a minute and 24 hours."
            )

    def next_step(
        self, started_at: datetime.datetime, rounds: int, still_sounding: bool, now: datetime.datetime
    ) -> NextStep:
        """Say what to do after `rounds` whole rounds; `still_sounding` while some speaker is not acknowledged."""
        if not still_sounding or 0 < self.repeats <= rounds:
            return NextStep.STOP
        begins = now + datetime.timedelta(seconds=self.pause_seconds if rounds else 0)
        over = begins - started_at >= datetime.timedelta(minutes=self.max_minutes)
        return NextStep.STOP if over else NextStep.REPEAT


@dataclass(frozen=True)
class Sounding:
    """What is sounded: siren, then the recorded voice or else the text in its language."""

    text: str = ""
    language: str = "vi"
    siren: bool = True
    voice: Media | None = None


def start(
    session: Session,
    by: Actor,
    speakers: Iterable[Speaker],
    sounding: Sounding,
    policy: RepeatPolicy,
    at: datetime.datetime,
    alert: CapAlert | None = None,
) -> Emergency:
    """Begin an emergency and return it; the studio makes a broadcast of it and sets `broadcast_id`.

    Raises EmergencyNotAllowed or NothingToSound.
    """
    _require_right(by)
    targets = list({speaker.id: speaker for speaker in speakers}.values())
    if not targets or not (sounding.siren or sounding.voice or sounding.text.strip()):
        raise NothingToSound(
            "Cần ít nhất một cụm loa và còi, giọng nói hoặc văn bản. / "
            "An emergency needs a speaker, and a siren, a voice or a text."
        )
    emergency = Emergency(
        alert_id=alert.id if alert else None,
        text=sounding.text,
        language=sounding.language,
        siren=sounding.siren,
        voice=sounding.voice,
        repeats=policy.repeats,
        pause_seconds=policy.pause_seconds,
        max_minutes=policy.max_minutes,
        state=EMERGENCY.initial,
        started_by=_name(by),
        started_at=at,
        targets=[EmergencySpeaker(speaker=speaker) for speaker in targets],
    )
    session.add(emergency)
    session.flush()
    _trace(session, by, "start", emergency, speakers=len(targets), text=sounding.text[:200])
    return emergency


def acknowledge(session: Session, emergency: Emergency, by: Official, at: datetime.datetime) -> list[Speaker]:
    """An official on the spot has taken notice: their speakers fall silent, and the last one's ends it all.

    Returns the speakers that were silenced by this, none when they were before. Raises EmergencyNotAllowed,
    EmergencyOver or NotLocal.
    """
    _require_right(by)
    _require_state(emergency, EmergencyEvent.ACKNOWLEDGE)
    theirs = _speakers_of(session, by)
    local = [target for target in emergency.targets if target.speaker_id in theirs]
    if not local:
        raise NotLocal(
            f"{by.name} không phụ trách nơi nào đang báo động. / "
            f"{by.name} answers for none of the places where the emergency sounds."
        )
    silenced = [target for target in local if target.acknowledged_at is None]
    for target in silenced:
        target.acknowledged_by = by
        target.acknowledged_at = at
    if all(target.acknowledged_at for target in emergency.targets):
        emergency.state = EMERGENCY.after(EmergencyState(emergency.state), EmergencyEvent.ACKNOWLEDGE)
        emergency.acknowledged_by = _name(by)
        emergency.acknowledged_at = emergency.ended_at = at
    session.flush()
    _trace(session, by, "acknowledge", emergency, speakers=len(silenced))
    return [target.speaker for target in silenced]


def stop(session: Session, emergency: Emergency, by: Actor, at: datetime.datetime) -> None:
    """End it everywhere, by command. Raises EmergencyNotAllowed or EmergencyOver."""
    _require_right(by)
    _require_state(emergency, EmergencyEvent.STOP)
    emergency.state = EMERGENCY.after(EmergencyState(emergency.state), EmergencyEvent.STOP)
    emergency.stopped_by = _name(by)
    emergency.ended_at = at
    session.flush()
    _trace(session, by, "stop", emergency, rounds=emergency.rounds)


def stop_replaced(session: Session, at: datetime.datetime) -> list[Emergency]:
    """End the emergencies whose CAP alert was replaced, cancelled or has expired, and return them."""
    found = session.scalars(
        sa.select(Emergency)
        .join(CapAlert, Emergency.alert_id == CapAlert.id)
        .where(Emergency.state == EmergencyState.SOUNDING, CapAlert.state.in_(OUT_OF_FORCE))
        .order_by(Emergency.id)
    ).all()
    for emergency in found:
        emergency.state = EMERGENCY.after(EmergencyState(emergency.state), EmergencyEvent.STOP)
        emergency.stopped_by = f"cap-alert:{emergency.alert_id}"
        emergency.ended_at = at
        audit.record(session, emergency.stopped_by, "emergency.stop", f"emergency:{emergency.id}")
    session.flush()
    return list(found)


def round_ended(session: Session, emergency: Emergency, at: datetime.datetime) -> NextStep:
    """Count one whole round and say what follows, as `settle` does."""
    emergency.rounds += 1
    emergency.round_ended_at = at
    return settle(session, emergency, at)


def settle(session: Session, emergency: Emergency, at: datetime.datetime) -> NextStep:
    """Say what follows, and close an emergency that is over by its own policy, maybe while the studio was down."""
    step = next_step(emergency, at)
    if step is NextStep.STOP and emergency.state == EmergencyState.SOUNDING:
        emergency.state = EMERGENCY.after(EmergencyState(emergency.state), EmergencyEvent.EXHAUST)
        emergency.ended_at = at
        audit.record(session, "station", "emergency.exhausted", f"emergency:{emergency.id}", rounds=emergency.rounds)
    session.flush()
    return step


def next_step(emergency: Emergency, now: datetime.datetime) -> NextStep:
    """Say whether it is sounded again, changing nothing."""
    if emergency.state != EmergencyState.SOUNDING:
        return NextStep.STOP
    policy = RepeatPolicy(emergency.repeats, emergency.pause_seconds, emergency.max_minutes)
    return policy.next_step(emergency.started_at, emergency.rounds, bool(speakers_left(emergency)), now)


def speakers_left(emergency: Emergency) -> list[Speaker]:
    """Return the speakers where nobody has acknowledged it: the next round is for them."""
    return [target.speaker for target in emergency.targets if target.acknowledged_at is None]


def sounding_now(session: Session) -> list[Emergency]:
    """Return the emergencies that go on, the newest first."""
    return list(
        session.scalars(
            sa.select(Emergency).where(Emergency.state == EmergencyState.SOUNDING).order_by(Emergency.id.desc())
        )
    )


def may_command(by: Actor) -> bool:
    """Say whether somebody may start and stop emergencies."""
    match by:
        case Official():
            return by.may_do(Right.EMERGENCY)
        case Account():
            return by.role in _ROLES
        case AlertSource():
            return by.enabled and by.highest_priority == Priority.EMERGENCY


def _speakers_of(session: Session, official: Official) -> set[int]:
    """The speakers of the official's zones, and of their unit and what lies below it."""
    units = units_under(session, [official.unit_id])
    below = session.scalars(sa.select(Speaker.id).where(Speaker.unit_id.in_(units)))
    zones = session.scalars(sa.select(official_zones.c.zone_id).where(official_zones.c.official_id == official.id))
    return set(below) | {speaker.id for speaker in speakers_in(session, zones)}


def _require_right(by: Actor) -> None:
    if not may_command(by):
        raise EmergencyNotAllowed(
            f"{by.name} không có quyền ra lệnh khẩn cấp. / {by.name} has no right to command an emergency."
        )


def _require_state(emergency: Emergency, event: EmergencyEvent) -> None:
    if (EmergencyState(emergency.state), event) not in EMERGENCY.table:
        raise EmergencyOver("Báo động này đã kết thúc. / This emergency has ended already.")


def _name(by: Actor) -> str:
    match by:
        case Official():
            return f"official:{by.code}"
        case Account():
            return f"account:{by.email}"
        case AlertSource():
            return f"alert-source:{by.code}"


def _trace(session: Session, by: Actor, act: str, emergency: Emergency, **detail: str | int) -> None:
    audit.record(session, _name(by), f"emergency.{act}", f"emergency:{emergency.id}", **detail)
