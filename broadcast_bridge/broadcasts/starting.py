"""Start of broadcasts: permission, choice of speakers, and pre-emption of less urgent broadcasts.

A speaker is in one broadcast at a time. A more urgent one takes it (`states.precedence`). With an equal or less urgent
one, a recording waits until the speaker is free (see `catch_up`) and a live voice is refused.
"""

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from broadcast_bridge.broadcasts import clearance
from broadcast_bridge.broadcasts.broadcast_lifecycle import advance
from broadcast_bridge.broadcasts.catch_up import add_deliveries
from broadcast_bridge.broadcasts.hearing import resume_position
from broadcast_bridge.broadcasts.sharing import share_out
from broadcast_bridge.broadcasts.states import (
    BROADCAST,
    DELIVERY,
    AfterCut,
    BroadcastEvent,
    BroadcastState,
    DeliveryEvent,
    DeliveryState,
    Kind,
    Priority,
    Reason,
    Synthetic,
    reason_message,
)
from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery, Speaker, Zone
from broadcast_bridge.schedule.states import OccurrenceReason
from broadcast_bridge.speakers.quiet_hours import speakers_may_sound
from broadcast_bridge.speakers.zones import UnknownZone, ZoneChoice, speakers_in
from haichieu import audit
from haichieu.database import one_at_a_time
from haichieu.errors import HaiChieuError
from haichieu.locale import message
from haichieu.media import Media
from haichieu.people import Official, Right

WAITS_FOR_SPEAKERS = datetime.timedelta(minutes=30)
"""A broadcast waits this long after its start time for equally or more urgent ones to release its speakers."""
STILL_ON_TIME = datetime.timedelta(minutes=2)
"""A broadcast that starts this late is still played; later only while it is worth hearing."""


OTHERS_FIRST = datetime.timedelta(seconds=3)

_BY_SOMEBODY = (Reason.STOPPED, Reason.WITHDRAWN, Reason.ALERT_OVER, Reason.SCHEDULE_REMOVED)
"""Reasons for which a planned broadcast is cancelled without an alarm."""


class BroadcastRefused(HaiChieuError):
    """The broadcast may not begin."""


class LiveNotAllowed(BroadcastRefused):
    """The official has no right to go live."""


class NoReachableSpeaker(BroadcastRefused):
    """Nobody would hear it."""


class ZoneBusy(BroadcastRefused):
    """Some of the speakers are in another broadcast that does not give way; `on_air` names it."""

    def __init__(self, on_air: str) -> None:
        super().__init__("broadcast.zone_busy", on_air=on_air)
        self.on_air = on_air


class ZoneQuiet(BroadcastRefused):
    """Only an emergency may be played in the zone now; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__("broadcast.zone_quiet", reason=reason_message(reason))
        self.reason = reason


class NothingToPlayOn(BroadcastRefused):
    """The broadcast names no speaker, or one that does not exist."""


@dataclass(frozen=True)
class Request:
    """A request to broadcast recorded sounds, by the ids of their media; `programme_ids` are those they belong to.

    `due_at` None means at once; `times` 0 means until stopped; without sounds only the siren or the chime is played.
    """

    asked_by: str
    title: str
    sound_ids: Sequence[int]
    zone_codes: Sequence[str] = ()
    speaker_codes: Sequence[str] = ()
    priority: Priority = Priority.NORMAL
    due_at: datetime.datetime | None = None
    siren: bool = False
    times: int = 1
    pause_seconds: float = 0.0
    after_cut: AfterCut = AfterCut.AGAIN
    worth_hearing_until: datetime.datetime | None = None
    programme_ids: Sequence[int | None] = ()


@dataclass(frozen=True)
class Taken:
    """Deliveries that a more urgent broadcast ended, by their broadcast."""

    from_broadcasts: dict[int, list[int]] = field(default_factory=dict)


def take_turns(session: Session) -> None:
    """Let one transaction at a time see which speakers are free and take them, whichever switchboard it is of."""
    one_at_a_time(session, "speakers")


def plan_live(
    session: Session, official: Official, zone: ZoneChoice, priority: Priority, at: datetime.datetime, node: str = ""
) -> tuple[Broadcast, Taken]:
    """Take the zone's speakers for a live voice; return the broadcast, `planned`, and what was taken from others.

    Raises LiveNotAllowed, NoReachableSpeaker, ZoneQuiet or ZoneBusy, and then nothing has changed.
    """
    right = Right.EMERGENCY if priority is Priority.EMERGENCY else Right.LIVE
    if not official.may_do(right):
        raise LiveNotAllowed("broadcast.live_not_allowed", name=official.name, right=message(f"panel.right.{right}"))
    take_turns(session)
    if zone.reachable == 0:
        raise NoReachableSpeaker("broadcast.nobody_reachable", zone=zone.name)
    hushed = _hushed(session, zone.speakers, priority, at)
    if len(hushed) == zone.total:
        raise ZoneQuiet(next(iter(hushed.values())))
    broadcast = Broadcast(
        kind=Kind.LIVE,
        title=official.name,
        asked_by=f"official:{official.code}",
        official_id=official.id,
        official=official,
        zone_names=zone.name,
        zone_codes=list(zone.codes),
        priority=priority,
        state=BROADCAST.initial,
        node=node,
        created_at=at,
    )
    refuse_if_busy(session, zone.speakers, broadcast.precedence)
    try:
        with session.begin_nested():
            taken = _give_speakers(session, broadcast, zone.speakers, at, hushed)
            share_out(session, broadcast, node)
    except IntegrityError:
        # Another process took one of the speakers between our query and our write: the index decided.
        refuse_if_busy(session, zone.speakers, broadcast.precedence)
        raise
    audit.record(
        session,
        broadcast.asked_by,
        "broadcast.live",
        f"broadcast:{broadcast.id}",
        zone=zone.name,
        priority=str(priority),
        speakers=zone.total,
    )
    return broadcast, taken


def refuse_if_busy(session: Session, speakers: Iterable[Speaker], precedence: int) -> None:
    """Raise ZoneBusy when one of the speakers is in a broadcast that does not give way."""
    for delivery in active_deliveries(session, speakers):
        if delivery.broadcast.precedence >= precedence:
            raise ZoneBusy(delivery.broadcast.on_air_name)


def ask(session: Session, request: Request, at: datetime.datetime) -> Broadcast:
    """Request a recorded broadcast; a switchboard begins it at its start time.

    Raises UnknownZone or NothingToPlayOn.
    """
    zones = list(session.scalars(sa.select(Zone).where(Zone.code.in_(request.zone_codes), Zone.removed_at.is_(None))))
    if missing := set(request.zone_codes) - {zone.code for zone in zones}:
        raise UnknownZone("zone.unknown", codes=tuple(sorted(missing)))
    singles = _speakers_called(session, request.speaker_codes)
    if missing := set(request.speaker_codes) - {speaker.code for speaker in singles}:
        raise NothingToPlayOn("speaker.unknown", codes=tuple(sorted(missing)))
    if not singles and not speakers_in(session, [zone.id for zone in zones]):
        raise NothingToPlayOn("broadcast.no_speaker")
    voices = dict(session.execute(sa.select(Media.id, Media.synthetic).where(Media.id.in_(request.sound_ids))).all())
    broadcast = Broadcast(
        kind=Kind.RECORDED,
        title=request.title,
        asked_by=request.asked_by,
        zone_names=", ".join([*(zone.name for zone in zones), *(speaker.name for speaker in singles)]),
        zone_codes=[zone.code for zone in zones],
        speaker_codes=[speaker.code for speaker in singles],
        priority=request.priority,
        state=BROADCAST.initial,
        created_at=at,
        due_at=request.due_at or at,
        sounds=[
            BroadcastSound(position=place, media_id=sound, programme_id=programme)
            for place, (sound, programme) in enumerate(zip_longest(request.sound_ids, request.programme_ids))
        ],
        synthetic=Synthetic.of([bool(voices.get(sound)) for sound in request.sound_ids]),
        siren=request.siren,
        times=request.times,
        pause_seconds=request.pause_seconds,
        after_cut=request.after_cut,
        worth_hearing_until=request.worth_hearing_until,
    )
    session.add(broadcast)
    session.flush()
    audit.record(
        session,
        request.asked_by,
        "broadcast.asked",
        f"broadcast:{broadcast.id}",
        title=request.title,
        zone=broadcast.zone_names,
        priority=str(request.priority),
        synthetic=broadcast.synthetic,
    )
    return broadcast


def due(session: Session, at: datetime.datetime, node: str) -> list[int]:
    """Return the recorded broadcasts that this switchboard should begin now, the most urgent first.

    A broadcast whose speakers are all connected to other switchboards is left to them for `OTHERS_FIRST`.
    """
    waiting = session.scalars(_waiting().where(Broadcast.due_at <= at).order_by(Broadcast.due_at, Broadcast.id)).all()
    if waiting and _others(session, node):
        waiting = [one for one in waiting if (one.due_at or at) + OTHERS_FIRST <= at or _is_for(session, one, node)]
    return [broadcast.id for broadcast in sorted(waiting, key=lambda one: -one.precedence)]


def next_due(session: Session, at: datetime.datetime) -> datetime.datetime | None:
    """Return when the next recorded broadcast is to begin, or to be checked again when others should have begun it."""
    hour = session.scalar(_waiting().with_only_columns(sa.func.min(Broadcast.due_at)))
    return hour if hour is None or hour > at else at + OTHERS_FIRST


def begin(session: Session, broadcast_id: int, node: str, at: datetime.datetime) -> Taken | None:
    """Claim a planned recording with its speakers; return None when there is nothing to do for now.

    That is the case when another switchboard was faster; when all its speakers are in broadcasts that do not give way,
    for whose end it waits; and when it is closed here, because it may not be played any more (see `clearance`), it is
    too late, or nobody may or can hear it.
    """
    take_turns(session)
    broadcast = session.get_one(Broadcast, broadcast_id, populate_existing=True)
    refused = clearance.refusal(session, broadcast, at)
    speakers = speakers_of(session, broadcast)
    hushed = _hushed(session, speakers, Priority(broadcast.priority), at)
    in_use = {
        delivery.speaker_id
        for delivery in active_deliveries(session, speakers)
        if delivery.broadcast.precedence >= broadcast.precedence
    }
    waits = (
        refused is None and bool(in_use) and all(speaker.id in hushed or speaker.id in in_use for speaker in speakers)
    )
    if waits and at < (broadcast.due_at or at) + WAITS_FOR_SPEAKERS:
        broadcast.reason = Reason.IN_USE  # the same value again is no change, and wakes nobody
        return None
    claimed = session.scalar(
        sa.update(Broadcast)
        .where(Broadcast.id == broadcast_id, Broadcast.state == BroadcastState.PLANNED)
        .values(node=node, state=BROADCAST.after(BroadcastState.PLANNED, BroadcastEvent.CALL_SPEAKERS))
        .returning(Broadcast.id)
    )
    if claimed is None:
        return None
    waited = broadcast.reason == Reason.IN_USE
    session.refresh(broadcast)
    broadcast.reason = None
    if refused is not None:
        event = BroadcastEvent.CANCEL if refused in _BY_SOMEBODY else BroadcastEvent.FAIL
        advance(session, broadcast_id, event, at, refused)
        return None
    if not waited and _too_late(broadcast, at):
        advance(session, broadcast_id, BroadcastEvent.FAIL, at, Reason.TOO_LATE)
        return None
    taken = _give_speakers(session, broadcast, speakers, at, hushed)
    if not any(delivery.active for delivery in broadcast.deliveries):
        quiet = set(hushed.values()) if len(hushed) == len(speakers) > 0 else set()
        if quiet:
            advance(session, broadcast_id, BroadcastEvent.CANCEL, at, quiet.pop())
        else:
            advance(session, broadcast_id, BroadcastEvent.FAIL, at, Reason.IN_USE if in_use else Reason.NO_SPEAKERS)
        return None
    share_out(session, broadcast, node)
    return taken


def _too_late(broadcast: Broadcast, at: datetime.datetime) -> bool:
    due_at = broadcast.due_at or at
    return at > max(due_at + STILL_ON_TIME, broadcast.worth_hearing_until or due_at)


def _hushed(
    session: Session, speakers: Sequence[Speaker], priority: Priority, at: datetime.datetime
) -> Mapping[int, Reason]:
    """Return the speakers that must be silent now, with the reason."""
    left_out = speakers_may_sound(session, speakers, priority, at).left_out
    silenced = OccurrenceReason.ZONE_SILENCED
    return {speaker.id: Reason.SILENCED if why is silenced else Reason.QUIET_HOURS for speaker, why in left_out}


def _is_for(session: Session, broadcast: Broadcast, node: str) -> bool:
    nodes = {speaker.node for speaker in speakers_of(session, broadcast) if speaker.reachable and speaker.node}
    return not nodes or node in nodes


def _others(session: Session, node: str) -> bool:
    """Return whether any speaker is connected to another switchboard."""
    other = sa.select(Speaker.id).where(Speaker.reachable, Speaker.node.not_in(["", node])).limit(1)
    return session.scalar(other) is not None


def _waiting() -> sa.Select[Broadcast]:
    return sa.select(Broadcast).where(Broadcast.state == BroadcastState.PLANNED, Broadcast.kind == Kind.RECORDED)


def speakers_of(session: Session, broadcast: Broadcast) -> list[Speaker]:
    """Return the speakers of the zones of a broadcast, and those that it names, as they are now."""
    zones = session.scalars(sa.select(Zone.id).where(Zone.code.in_(broadcast.zone_codes), Zone.removed_at.is_(None)))
    found = {speaker.id: speaker for speaker in speakers_in(session, zones)}
    found |= {speaker.id: speaker for speaker in _speakers_called(session, broadcast.speaker_codes)}
    return sorted(found.values(), key=lambda speaker: speaker.code)


def _speakers_called(session: Session, codes: Collection[str]) -> list[Speaker]:
    return list(
        session.scalars(
            sa.select(Speaker).where(Speaker.code.in_(codes), Speaker.removed_at.is_(None)).order_by(Speaker.code)
        )
    )


def active_deliveries(session: Session, speakers: Iterable[Speaker]) -> Sequence[Delivery]:
    """Return the deliveries that have the speakers now, with their broadcasts."""
    return session.scalars(
        sa.select(Delivery)
        .where(Delivery.active, Delivery.speaker_id.in_([speaker.id for speaker in speakers]))
        .options(joinedload(Delivery.broadcast).joinedload(Broadcast.official))
        .order_by(Delivery.id)
    ).all()


def _give_speakers(
    session: Session,
    broadcast: Broadcast,
    speakers: Sequence[Speaker],
    at: datetime.datetime,
    hushed: Mapping[int, Reason],
) -> Taken:
    """Create the deliveries of a broadcast, taking speakers from less urgent ones."""
    session.add(broadcast)
    taken = Taken()
    in_use = set()
    for other in active_deliveries(session, [speaker for speaker in speakers if speaker.id not in hushed]):
        if other.broadcast.precedence >= broadcast.precedence:
            in_use.add(other.speaker_id)
            continue
        _pre_empt(other, at)
        taken.from_broadcasts.setdefault(other.broadcast_id, []).append(other.id)
    session.flush()  # release before assigning: the unique index allows one active delivery per speaker
    left_out = {speaker_id: Reason.IN_USE for speaker_id in in_use} | dict(hushed)
    add_deliveries(session, [_new(broadcast, speaker, left_out.get(speaker.id), at) for speaker in speakers])
    session.expire(broadcast, ["deliveries"])
    return taken


def _new(broadcast: Broadcast, speaker: Speaker, why_not: Reason | None, at: datetime.datetime) -> dict[str, object]:
    return {
        "broadcast_id": broadcast.id,
        "speaker_id": speaker.id,
        "state": DELIVERY.initial if why_not is None else DeliveryState.MISSED,
        "active": why_not is None,
        "reason": why_not,
        "ended_at": None if why_not is None else at,
    }


def _pre_empt(delivery: Delivery, at: datetime.datetime) -> None:
    delivery.resume_at_seconds = resume_position(delivery.broadcast, delivery, at)
    delivery.state = DELIVERY.after(DeliveryState(delivery.state), DeliveryEvent.PRE_EMPT)
    delivery.reason, delivery.active, delivery.ended_at = Reason.PRE_EMPTED, False, at
