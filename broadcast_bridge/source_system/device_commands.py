"""Commands of a source to our speakers: volume, stop, restart, status.

A source reaches the speakers of its own unit only. What a speaker cannot do is refused in words.
"""

import datetime
import math
from collections.abc import Callable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from broadcast_bridge.broadcasts import calling_off
from broadcast_bridge.broadcasts.ending_here import end_here
from broadcast_bridge.broadcasts.states import Kind, Priority, Reason
from broadcast_bridge.models import Broadcast, Delivery
from broadcast_bridge.source_system import report_queue
from broadcast_bridge.source_system.exchange import AtDevice, CommandResult, Ordered
from broadcast_bridge.source_system.models import DeviceCommand, Source
from broadcast_bridge.source_system.states import DeviceAction
from broadcast_bridge.source_system.targets import Target, target_of
from haichieu import audit
from haichieu.locale import Message, message, render

STILL_MEANT = datetime.timedelta(minutes=5)
"""A command to stop that is older would stop something else."""
QUIETEST_DB = -30.0
Refused = Mapping[int, Message]
"""Speakers that did not carry a command out, by their row."""


def take(session: Session, source: Source, ordered: Ordered, at: datetime.datetime) -> DeviceCommand | None:
    """Carry out a command once, and report the result. Returns None when it is known already."""
    known = sa.select(DeviceCommand.id).where(
        DeviceCommand.source_id == source.id, DeviceCommand.external_id == ordered.external_id
    )
    if session.scalar(known) is not None:
        return None
    target = target_of(session, source, ordered.devices, ordered.areas)
    refusal = _why_not(source, ordered, at) or target.nowhere
    refused: Refused = {speaker.id: refusal for speaker in target.speakers} if refusal else {}
    if refusal is None:
        refused = _STEPS[ordered.action](session, source, ordered, target, at)
    command = DeviceCommand(
        source_id=source.id,
        external_id=ordered.external_id,
        action=ordered.action,
        value=ordered.value,
        received_at=at,
        speaker_codes=[speaker.code for speaker in target.speakers if speaker.id not in refused],
        reason=refusal or next(iter(refused.values()), None) or target.remark,
    )
    session.add(command)
    session.flush()
    _audit(session, source, command)
    report_queue.add_result(session, source.id, _result(session, source, command, target, refused, at), at)
    return command


def decibels(percent: int) -> float:
    """Return a volume in dB: 100 per cent is the device's own setting, and half of it is 6 dB less."""
    return max(QUIETEST_DB, round(20 * math.log10(percent / 100), 1))


def latest(session: Session, source_ids: Sequence[int], most: int) -> Sequence[DeviceCommand]:
    """Return the newest commands of these sources."""
    return session.scalars(
        sa.select(DeviceCommand)
        .where(DeviceCommand.source_id.in_(source_ids))
        .options(joinedload(DeviceCommand.source))
        .order_by(DeviceCommand.id.desc())
        .limit(most)
    ).all()


def _why_not(source: Source, ordered: Ordered, at: datetime.datetime) -> Message | None:
    if ordered.action is DeviceAction.RESTART:
        return message("source.command.no_restart")
    if ordered.action is DeviceAction.VOLUME and not 1 <= (ordered.value or 0) <= 100:
        return message("source.command.wrong_volume", value=ordered.value if ordered.value is not None else "-")
    since = ordered.ordered_at or source.last_ok_at or at
    if ordered.action is DeviceAction.STOP and at - since > STILL_MEANT:
        return message("source.command.late", since=since)
    return None


def _set_volume(session: Session, source: Source, ordered: Ordered, target: Target, at: datetime.datetime) -> Refused:
    for speaker in target.speakers:
        speaker.volume_db = decibels(ordered.value or 100)
    session.flush()
    return {}


def _stop(session: Session, source: Source, ordered: Ordered, target: Target, at: datetime.datetime) -> Refused:
    """Stop what is recorded. A live voice continues, and so does an emergency of others."""
    here = {speaker.id for speaker in target.speakers}
    active = session.scalars(
        sa.select(Delivery)
        .where(Delivery.active, Delivery.speaker_id.in_(here))
        .options(joinedload(Delivery.broadcast).selectinload(Broadcast.deliveries))
        .order_by(Delivery.id)
    ).all()
    refused: dict[int, Message] = {}
    for broadcast in {delivery.broadcast_id: delivery.broadcast for delivery in active}.values():
        playing = [delivery for delivery in broadcast.deliveries if delivery.active]
        mine = [delivery for delivery in playing if delivery.speaker_id in here]
        if broadcast.kind == Kind.LIVE:
            refused |= {one.speaker_id: message("source.command.live") for one in mine}
        elif broadcast.priority == Priority.EMERGENCY and broadcast.asked_by != _actor(source):
            refused |= {one.speaker_id: message("source.command.emergency") for one in mine}
        elif len(mine) == len(playing):
            calling_off.stop(session, broadcast.id, _actor(source), at)
        else:
            end_here(mine, Reason.STOPPED, at)
    session.flush()
    return refused


def _report_status(
    session: Session, source: Source, ordered: Ordered, target: Target, at: datetime.datetime
) -> Refused:
    """Do nothing: the exchange that brings the command reports the speakers."""
    return {}


_STEPS: Mapping[DeviceAction, Callable[[Session, Source, Ordered, Target, datetime.datetime], Refused]] = {
    DeviceAction.VOLUME: _set_volume,
    DeviceAction.STOP: _stop,
    DeviceAction.STATUS: _report_status,
}


def _result(
    session: Session, source: Source, command: DeviceCommand, target: Target, refused: Refused, at: datetime.datetime
) -> CommandResult:
    names = report_queue.device_ids(session, source.id)
    devices = [
        AtDevice(
            device=names.get(speaker.id, speaker.code),
            name=speaker.name,
            done=speaker.id not in refused,
            reason=_say(refused.get(speaker.id)),
        )
        for speaker in target.speakers
    ]
    missing = [*target.unknown, *target.outside]
    return CommandResult(
        key=f"command:{command.external_id}",
        command=command.external_id,
        action=DeviceAction(command.action),
        value=command.value,
        done=bool(devices) and not missing and all(one.done for one in devices),
        reason=_say(command.reason),
        devices=devices,
        at=at,
    )


def _say(reason: Message | None) -> str:
    return render(reason, report_queue.LANGUAGE) if reason is not None else ""


def _audit(session: Session, source: Source, command: DeviceCommand) -> None:
    audit.record(
        session,
        _actor(source),
        f"device.{command.action}",
        f"source:{source.code}",
        id=command.external_id,
        value=command.value if command.value is not None else "",
        speakers=", ".join(command.speaker_codes),
    )


def _actor(source: Source) -> str:
    return f"source:{source.code}"
