"""Steps of a bulletin: each changes its state, is audited, and is reported to its source, in one transaction."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import BROADCAST, BroadcastState, Priority, Reason, reason_message
from broadcast_bridge.models import Broadcast, BroadcastSound, Speaker, Zone
from broadcast_bridge.programmes import approval, intake
from broadcast_bridge.programmes.intake import About
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import Origin, ProgrammeState
from broadcast_bridge.source_system import report_queue
from broadcast_bridge.source_system.bulletin_fields import category_of
from broadcast_bridge.source_system.errors import BulletinRefused
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring
from broadcast_bridge.source_system.states import BULLETIN, OVER, BulletinEvent, BulletinState, ContentKind
from broadcast_bridge.speakers.zones import reach_of
from haichieu import audit
from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.locale import Message, message

EMERGENCY_TIMES, PAUSE_SECONDS = 3, 10.0
"""How often an emergency bulletin is played, with a pause in between."""
WORTH_HEARING = datetime.timedelta(hours=1)
"""How long after its start time a bulletin is still played to speakers that were away."""


def actor_of(bulletin: Bulletin) -> str:
    """Return the source as an actor of the audit trail."""
    return f"source:{bulletin.source.code}"


def advance(
    session: Session,
    bulletin: Bulletin,
    event: BulletinEvent,
    at: datetime.datetime,
    reason: Message | None = None,
    who: str = "",
    mark: str = "",
) -> None:
    """Apply an event, and report the new state, with a `mark` also one that was reported. Raises IllegalTransition."""
    bulletin.state = BULLETIN.after(BulletinState(bulletin.state), event)
    bulletin.reason = reason or bulletin.reason
    if bulletin.state in OVER:
        bulletin.sound = None
    session.flush()
    audit.record(
        session,
        who or actor_of(bulletin),
        f"bulletin.{event}",
        f"bulletin:{bulletin.id}",
        id=bulletin.external_id,
        title=bulletin.title,
    )
    report_queue.add_receipt(session, bulletin, at, mark)


def can(bulletin: Bulletin, event: BulletinEvent) -> bool:
    """Return whether the state of a bulletin allows an event."""
    return (BulletinState(bulletin.state), event) in BULLETIN.table


def refuse(session: Session, bulletin: Bulletin, reason: Message, at: datetime.datetime) -> None:
    """Refuse a bulletin. An alarm is raised unless it was only offered."""
    advance(session, bulletin, BulletinEvent.REFUSE, at, reason)
    if bulletin.priority != Priority.NORMAL:
        raise_refusal(session, bulletin, reason)


def raise_refusal(session: Session, bulletin: Bulletin, reason: Message) -> None:
    """Raise the alarm about a bulletin that could not be used."""
    text = message("source.bulletin_refused", title=bulletin.title or bulletin.external_id, reason=reason)
    raise_alarm(session, AlarmKind.BULLETIN_REFUSED, f"bulletin:{bulletin.id}", text)


def forget_alarm(session: Session, bulletin: Bulletin) -> None:
    """Clear the alarm about a bulletin: it is scheduled again, changed or withdrawn."""
    alarm_is_over(session, AlarmKind.BULLETIN_REFUSED, f"bulletin:{bulletin.id}")


def withdraw(session: Session, bulletin: Bulletin, at: datetime.datetime) -> None:
    """Withdraw a bulletin: what plays it stops, and nothing plays it any more. Does nothing if it is over."""
    if not can(bulletin, BulletinEvent.WITHDRAW):
        return
    advance(session, bulletin, BulletinEvent.WITHDRAW, at)
    forget_alarm(session, bulletin)
    programme = bulletin.programme
    if programme is not None and programme.state != ProgrammeState.WITHDRAWN:
        approval.withdraw(session, programme, actor_of(bulletin), at)


def make_programme(session: Session, bulletin: Bulletin, at: datetime.datetime, who: str = "") -> Programme:
    """Make the approved programme of a bulletin, if it has none yet. Raises BulletinRefused without a sound."""
    if bulletin.programme is not None:
        return bulletin.programme
    if bulletin.sound is None:
        raise BulletinRefused("source.sound_pending")
    about = About(
        title=bulletin.title,
        unit_id=bulletin.unit_id,
        author=actor_of(bulletin),
        author_name=bulletin.source.name,
        category=category_of(bulletin.field),
        language=bulletin.language,
        priority=Priority(bulletin.priority),
        valid_until=bulletin.valid_until,
    )
    is_text = bulletin.kind == ContentKind.TEXT
    origin, text = (Origin.TEXT, bulletin.text) if is_text else (Origin.UPLOAD, "")
    programme = intake.add_stored(session, about, bulletin.sound, origin, text, at)
    programme.zone_codes = _zones_inside(session, bulletin)
    approval.approve_from_source(session, programme, who or actor_of(bulletin), at)
    bulletin.programme, bulletin.sound = programme, None
    session.flush()
    return programme


def plan(
    session: Session, bulletin: Bulletin, airing: BulletinAiring, due_at: datetime.datetime, at: datetime.datetime
) -> Broadcast:
    """Request the broadcast of one start time. Raises NothingToPlayOn, NotForTheAir."""
    programme = make_programme(session, bulletin, at)
    urgent = bulletin.priority == Priority.EMERGENCY
    begins = max(due_at, at)
    approval.require_for_the_air(programme, begins)
    request = Request(
        asked_by=actor_of(bulletin),
        title=bulletin.title,
        sound_ids=[programme.sound_id] if programme.sound_id is not None else [],
        programme_ids=[programme.id],
        speaker_codes=_present(session, bulletin),
        priority=Priority(bulletin.priority),
        due_at=begins,
        siren=urgent,
        times=EMERGENCY_TIMES if urgent else 1,
        pause_seconds=PAUSE_SECONDS if urgent else 0.0,
        worth_hearing_until=_worth_hearing_until(bulletin, begins),
    )
    was_returned = bulletin.state == BulletinState.ACCEPTED and any(one.broadcast_id for one in bulletin.airings)
    broadcast = starting.ask(session, request, at)
    airing.broadcast_id = broadcast.id
    programme.last_aired_at = begins
    if was_returned:
        bulletin.reason = None
        forget_alarm(session, bulletin)
    advance(session, bulletin, BulletinEvent.SCHEDULE, at, mark=str(broadcast.id) if was_returned else "")
    return broadcast


def move(bulletin: Bulletin, broadcast: Broadcast, due_at: datetime.datetime) -> None:
    """Let a planned broadcast begin at another time."""
    if broadcast.due_at != due_at:
        broadcast.due_at = due_at
        broadcast.worth_hearing_until = _worth_hearing_until(bulletin, due_at)


def _worth_hearing_until(bulletin: Bulletin, begins: datetime.datetime) -> datetime.datetime:
    return min(begins + WORTH_HEARING, bulletin.valid_until or begins + WORTH_HEARING)


def settle(session: Session, source_id: int, at: datetime.datetime) -> None:
    """Record which bulletins were aired, and which failed at all of their start times."""
    ended = session.execute(
        sa.select(Bulletin, Broadcast)
        .join(BroadcastSound, BroadcastSound.programme_id == Bulletin.programme_id)
        .join(Broadcast, Broadcast.id == BroadcastSound.broadcast_id)
        .where(Bulletin.source_id == source_id, Broadcast.state.in_([str(one) for one in BROADCAST.final_states]))
        .where(Bulletin.state.in_([BulletinState.ACCEPTED, BulletinState.SCHEDULED]))
        .order_by(Bulletin.id, Broadcast.id)
    ).all()
    over: dict[Bulletin, list[Broadcast]] = {}
    for bulletin, broadcast in ended:
        over.setdefault(bulletin, []).append(broadcast)
    for bulletin, broadcasts in over.items():
        if any(one.state == BroadcastState.ENDED for one in broadcasts):
            advance(session, bulletin, BulletinEvent.AIR, at)
        elif bulletin.airings and {one.broadcast_id for one in bulletin.airings} <= {one.id for one in broadcasts}:
            _not_aired(session, bulletin, broadcasts, at)


def _not_aired(session: Session, bulletin: Bulletin, broadcasts: Sequence[Broadcast], at: datetime.datetime) -> None:
    """Refuse a bulletin whose broadcasts all failed; a normal one is returned, so that a person chooses another time.

    An alarm is raised, unless a person stopped the broadcast.
    """
    last = next((one for one in reversed(broadcasts) if one.reason), broadcasts[-1])
    reason = reason_message(last.reason) or message("source.not_aired")
    if bulletin.priority != Priority.NORMAL:
        refuse(session, bulletin, reason, at)
        return
    if bulletin.state != BulletinState.SCHEDULED:
        return
    programme = bulletin.programme
    is_over = bulletin.valid_until is not None and bulletin.valid_until <= at
    if is_over or programme is None or programme.state != ProgrammeState.APPROVED:
        advance(session, bulletin, BulletinEvent.REFUSE, at, reason)
        text = message("source.bulletin_refused", title=bulletin.title, reason=reason)
    else:
        returned = message("source.returned", reason=reason)
        advance(session, bulletin, BulletinEvent.RETURN, at, returned, mark=str(last.id))
        text = message("source.bulletin_returned", title=bulletin.title, reason=reason)
    if last.reason not in (Reason.STOPPED, Reason.WITHDRAWN):
        raise_alarm(session, AlarmKind.BULLETIN_REFUSED, f"bulletin:{bulletin.id}", text)


def _present(session: Session, bulletin: Bulletin) -> list[str]:
    """Return the codes of the bulletin's speakers that are not removed since."""
    known = sa.select(Speaker.code).where(Speaker.code.in_(bulletin.speaker_codes), Speaker.removed_at.is_(None))
    return list(session.scalars(known.order_by(Speaker.code)))


def _zones_inside(session: Session, bulletin: Bulletin) -> list[str]:
    """Return the codes of the zones that lie within the areas of a bulletin."""
    zones = session.scalars(sa.select(Zone).where(Zone.removed_at.is_(None)).order_by(Zone.code)).all()
    reach, heard = reach_of(session, [zone.id for zone in zones]), set(bulletin.speaker_codes)
    codes = {zone.code: {speaker.code for speaker in reach[zone.id].speakers} for zone in zones}
    return [code for code, speakers in codes.items() if speakers and speakers <= heard]
