"""Queue of reports to a source: receipts, the log of broadcasts at each speaker, results of commands, daily counts.

A report is stored in the transaction of what it reports, and is deleted by nobody. Its key tells the source that it got
it before.
"""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from broadcast_bridge.broadcasts.states import DeliveryState, Priority, reason_message
from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery, Speaker
from broadcast_bridge.source_system.exchange import (
    AiringLog,
    CommandResult,
    DayCounts,
    DeviceStatus,
    Named,
    Receipt,
    Report,
)
from broadcast_bridge.source_system.models import Bulletin, EarlierProgramme, Source, SourcePlace, SourceReport
from broadcast_bridge.source_system.states import BulletinState, ContentKind
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.locale import Message, message, render

LANGUAGE = "vi"
"""Of the reasons in reports."""
MOST_REFUSALS = 5
COMMITTED_WITHIN = datetime.timedelta(hours=1)
"""The end of a broadcast is visible this long after its time at the latest."""
_RECEIPT, _LOG, _COMMAND, _COUNTS = "receipt", "log", "command", "counts"
_MODELS: Mapping[str, type[Report]] = {
    _RECEIPT: Receipt, _LOG: AiringLog, _COMMAND: CommandResult, _COUNTS: DayCounts,
}  # fmt: skip


@dataclass(frozen=True)
class Waiting:
    """A report that is still to be sent."""

    row_id: int
    report: Report


def add_receipt(session: Session, bulletin: Bulletin, at: datetime.datetime, mark: str = "") -> None:
    """Report the state of a bulletin; each state of each version is reported once, and again with another `mark`."""
    again = f":{bulletin.version}" if bulletin.version > 1 else ""
    again += f"#{mark}" if mark else ""
    receipt = Receipt(
        key=f"{_RECEIPT}:{bulletin.external_id}:{bulletin.state}{again}",
        bulletin=_named(bulletin),
        state=BulletinState(bulletin.state),
        reason=render(bulletin.reason, LANGUAGE) if bulletin.reason is not None else "",
        at=at,
    )
    same = sa.select(SourceReport.id).where(
        SourceReport.source_id == bulletin.source_id, SourceReport.key == receipt.key
    )
    if session.scalar(same) is None:
        _add(session, bulletin.source_id, _RECEIPT, receipt, at)


def add_logs(session: Session, source: Source, at: datetime.datetime) -> int:
    """Report every speaker's part in the broadcasts of the source's bulletins that ended since the last time."""
    reported = sa.select(SourceReport.delivery_id).where(SourceReport.delivery_id == Delivery.id)
    made_of = _programmes(source.id)
    query = (
        sa.select(Delivery, Bulletin)
        .join(Broadcast, Broadcast.id == Delivery.broadcast_id)
        .join(BroadcastSound, BroadcastSound.broadcast_id == Broadcast.id)
        .join(made_of, made_of.c.programme_id == BroadcastSound.programme_id)
        .join(Bulletin, Bulletin.id == made_of.c.bulletin_id)
        .where(Broadcast.ended_at.is_not(None), ~reported.exists())
        .options(joinedload(Delivery.broadcast), joinedload(Delivery.speaker))
        .order_by(Delivery.id)
    )
    if source.logged_until is not None:
        query = query.where(Broadcast.ended_at > source.logged_until - COMMITTED_WITHIN)
    names = device_ids(session, source.id)
    found = {delivery.id: (delivery, bulletin) for delivery, bulletin in session.execute(query)}
    for delivery, bulletin in found.values():
        _add(session, source.id, _LOG, _log_of(delivery, bulletin, names), at, delivery.id)
    source.logged_until = at
    return len(found)


def add_result(session: Session, source_id: int, result: CommandResult | DayCounts, at: datetime.datetime) -> None:
    """Report the result of a command, or the counts of a day, once."""
    kind = _COMMAND if isinstance(result, CommandResult) else _COUNTS
    same = sa.select(SourceReport.id).where(SourceReport.source_id == source_id, SourceReport.key == result.key)
    if session.scalar(same) is None:
        _add(session, source_id, kind, result, at)


def waiting(session: Session, source_id: int, most: int) -> list[Waiting]:
    """Return the oldest reports that were not sent yet."""
    rows = session.scalars(
        sa.select(SourceReport)
        .where(SourceReport.source_id == source_id, SourceReport.sent_at.is_(None))
        .where(SourceReport.refusals < MOST_REFUSALS)
        .order_by(SourceReport.id)
        .limit(most)
    )
    return [Waiting(row.id, _MODELS[row.kind].model_validate(row.body)) for row in rows]


def mark_sent(session: Session, row_id: int, at: datetime.datetime) -> None:
    """Record that the source has the report."""
    row = session.get_one(SourceReport, row_id)
    row.sent_at, row.problem = at, None


def mark_refused(session: Session, row_id: int, problem: Message) -> bool:
    """Record a refusal; after `MOST_REFUSALS` the report is set aside with an alarm, and True is returned."""
    row = session.get_one(SourceReport, row_id)
    row.refusals, row.problem = row.refusals + 1, problem
    if row.refusals < MOST_REFUSALS:
        return False
    text = message("source.report_refused", problem=problem)
    raise_alarm(session, AlarmKind.SOURCE_DEFECTIVE, f"source-report:{row.id}", text)
    return True


def unsent(session: Session, source_ids: Collection[int]) -> Mapping[int, int]:
    """Return how many reports each of these sources does not have yet; a source without any report is left out."""
    rows = session.execute(
        sa.select(SourceReport.source_id, sa.func.count().filter(SourceReport.sent_at.is_(None)))
        .where(SourceReport.source_id.in_(source_ids))
        .group_by(SourceReport.source_id)
    )
    return {source_id: count for source_id, count in rows}


def logs_sent(session: Session, bulletin_ids: Collection[int]) -> Mapping[int, datetime.datetime]:
    """Return when the last log of each of these bulletins was sent; one whose logs still wait is left out."""
    rows = session.execute(
        sa.select(Bulletin.id, sa.func.max(SourceReport.sent_at, type_=SourceReport.sent_at.type))
        .join(BroadcastSound, BroadcastSound.programme_id == Bulletin.programme_id)
        .join(Delivery, Delivery.broadcast_id == BroadcastSound.broadcast_id)
        .join(
            SourceReport,
            sa.and_(SourceReport.delivery_id == Delivery.id, SourceReport.source_id == Bulletin.source_id),
        )
        .where(Bulletin.id.in_(bulletin_ids))
        .group_by(Bulletin.id)
        .having(sa.func.count() == sa.func.count(SourceReport.sent_at))
    )
    return {bulletin_id: at for bulletin_id, at in rows if at is not None}


def device_states(session: Session, source_id: int) -> Sequence[DeviceStatus]:
    """Return the state of every speaker that the source knows by an id."""
    playing = {
        delivery.speaker_id: delivery.broadcast.on_air_name
        for delivery in session.scalars(
            sa.select(Delivery)
            .where(Delivery.active, Delivery.state == DeliveryState.PLAYING)
            .options(joinedload(Delivery.broadcast).joinedload(Broadcast.official))
        )
    }
    rows = session.execute(
        sa.select(SourcePlace.external_id, Speaker)
        .join(Speaker, Speaker.id == SourcePlace.speaker_id)
        .where(SourcePlace.source_id == source_id, Speaker.removed_at.is_(None))
        .order_by(SourcePlace.external_id)
    )
    return [
        DeviceStatus(
            external_id, one.name, one.counts_as_reachable, playing.get(one.id), one.volume_db, one.latitude,
            one.longitude, one.reachable_since if one.reachable else None,
        )
        for external_id, one in rows
    ]  # fmt: skip


def _programmes(source_id: int) -> sa.Subquery:
    """Select the programmes of the source's bulletins, those of earlier contents included."""
    return sa.union_all(
        sa.select(Bulletin.id.label("bulletin_id"), Bulletin.programme_id).where(
            Bulletin.source_id == source_id, Bulletin.programme_id.is_not(None)
        ),
        sa.select(EarlierProgramme.bulletin_id, EarlierProgramme.programme_id)
        .join(Bulletin, Bulletin.id == EarlierProgramme.bulletin_id)
        .where(Bulletin.source_id == source_id),
    ).subquery()


def _add(
    session: Session, source_id: int, kind: str, report: Report, at: datetime.datetime, delivery_id: int | None = None
) -> None:
    body = report.model_dump(mode="json")
    session.add(
        SourceReport(source_id=source_id, key=report.key, kind=kind, body=body, delivery_id=delivery_id, created_at=at)
    )
    session.flush()


def _log_of(delivery: Delivery, bulletin: Bulletin, names: dict[int, str]) -> AiringLog:
    broadcast, reason = delivery.broadcast, reason_message(delivery.reason)
    return AiringLog(
        key=f"{_LOG}:{bulletin.external_id}:{delivery.id}",
        bulletin=_named(bulletin),
        device=names.get(delivery.speaker_id, delivery.speaker.code),
        device_name=delivery.speaker.name,
        state=DeliveryState(delivery.state),
        reason=render(reason, LANGUAGE) if reason is not None else "",
        started_at=broadcast.on_air_at or broadcast.due_at or broadcast.created_at,
        heard_from=delivery.first_audio_at,
        seconds=round(delivery.seconds, 1),
        volume_db=delivery.speaker.volume_db,
    )


def _named(bulletin: Bulletin) -> Named:
    return Named(
        id=bulletin.external_id, title=bulletin.title, kind=ContentKind(bulletin.kind),
        priority=Priority(bulletin.priority), field=bulletin.field, author=bulletin.author, link=bulletin.link,
        declared_seconds=bulletin.declared_seconds, areas=bulletin.areas, devices=bulletin.devices,
        issued_at=bulletin.received_at,
    )  # fmt: skip


def device_ids(session: Session, source_id: int) -> dict[int, str]:
    """Return the ids by which a source names our speakers, by the rows of the speakers."""
    rows = session.execute(
        sa.select(SourcePlace.speaker_id, SourcePlace.external_id).where(
            SourcePlace.source_id == source_id, SourcePlace.speaker_id.is_not(None)
        )
    )
    return {speaker_id: external_id for speaker_id, external_id in rows if speaker_id is not None}
