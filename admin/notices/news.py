"""New alarms, approvals and urgent cases of one account, in words without anything personal of a citizen.

A lock screen shows these words to anybody: no case number (with it, the hotline reads out the answer), no titles,
and of alarms only those about equipment in full.
"""

import datetime
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from admin.notices.models import NoticeKind
from admin.now.alarm_scope import newest_alarms
from admin.now.attention import MOST, to_approve
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.source_system import offered
from broadcast_bridge.source_system.models import Bulletin, BulletinAiring
from feedback.cases.case_lifecycle import OPEN
from feedback.cases.case_search import NOT_MERGED
from feedback.models import Case
from haichieu.account_rights import Action
from haichieu.alarms import Alarm, AlarmKind
from haichieu.database import now
from haichieu.locale import Message, message
from haichieu.unit_names import unit_names

ABOUT_EQUIPMENT = frozenset(
    {
        *(AlarmKind.ASTERISK_DOWN, AlarmKind.PROCESS_HUNG, AlarmKind.BACKUP_FAILED, AlarmKind.TRANSCRIBER_DOWN),
        *(AlarmKind.TRUNK_DOWN, AlarmKind.VOICE_DOWN, AlarmKind.SPEAKER_OPEN, AlarmKind.SCHEDULE_MISSED),
        *(AlarmKind.NODE_DOWN, AlarmKind.CLOCK_OFF, AlarmKind.MEDIA_MISSING),
        *(AlarmKind.FEED_SILENT, AlarmKind.SOURCE_SILENT, AlarmKind.ALERT_NOWHERE, AlarmKind.ALERT_NOT_AIRED),
    }
)
"""Kinds of alarms whose text names no person."""


@dataclass(frozen=True)
class News:
    """One new thing. `key` is the same whenever it is found; `path` is the page that shows it."""

    key: str
    at: datetime.datetime
    text: Message
    path: str


def news_of(session: Session, visitor: Visitor, kind: NoticeKind, since: datetime.datetime) -> Sequence[News]:
    """Return what became new for this visitor since then, in their units and by their rights; the newest first."""
    found = _FINDERS[kind](session, visitor, since)
    return sorted(found, key=lambda one: (one.at, one.key), reverse=True)[:MOST]


def probe(session: Session) -> Collection[object]:
    """Return values of which one changes when there may be news for anybody; cheap to ask after every commit."""
    reminders = sa.select(sa.func.max(Case.reminded_at), sa.func.max(Case.overdue_alarm_at), sa.func.max(Case.due_at))
    parts: tuple[sa.Executable, ...] = (
        sa.select(sa.func.max(Alarm.id)),
        sa.select(sa.func.max(Programme.updated_at), sa.func.count()).where(
            Programme.state == ProgrammeState.SUBMITTED
        ),
        sa.select(sa.func.max(Bulletin.id)),
        sa.select(sa.func.max(BulletinAiring.asked_at)),
        reminders.where(Case.status.in_(OPEN)),
    )
    return [tuple(row) for part in parts for row in session.execute(part)]


def _alarms(session: Session, visitor: Visitor, since: datetime.datetime) -> Sequence[News]:
    return [
        News(
            f"alarm:{alarm.id}", alarm.raised_at,
            alarm.text if alarm.kind in ABOUT_EQUIPMENT else message("push.some_alarm"), "/#alarms",
        )
        for alarm in newest_alarms(session, visitor, MOST, since)
        if alarm.kind != AlarmKind.CASE_OVERDUE
    ]  # fmt: skip


def _approvals(session: Session, visitor: Visitor, since: datetime.datetime) -> Sequence[News]:
    places = unit_names(session)
    submitted = session.execute(
        sa.select(Programme.id, Programme.unit_id, Programme.updated_at)
        .join(Programme.unit)
        .where(*to_approve(visitor), Programme.updated_at > since)
        .order_by(Programme.id.desc())
        .limit(MOST)
    )
    found = [
        News(
            f"approval:{row.id}:{row.updated_at:%Y%m%d%H%M%S%f}", row.updated_at,
            message("push.approval", where=str(places[row.unit_id])), f"/programmes/{row.id}",
        )
        for row in submitted
    ]  # fmt: skip
    units = visitor.units if visitor.may(Action.SCHEDULE) else ()
    found += [
        News(
            f"order:{one.id}:{one.asked_at:%Y%m%d%H%M%S}", one.asked_at,
            message("push.order", where=str(places[one.bulletin.unit_id])), "/bulletins",
        )
        for one in offered.meeting(session, units, now(), MOST)
        if one.asked_at is not None and one.asked_at > since
    ]  # fmt: skip
    return found + [
        News(
            f"bulletin:{one.id}", one.received_at,
            message("push.bulletin", where=str(places[one.unit_id])), "/bulletins",
        )
        for one in offered.waiting(session, units, MOST)
        if one.received_at > since
    ]  # fmt: skip


def _urgent_cases(session: Session, visitor: Visitor, since: datetime.datetime) -> Sequence[News]:
    """Return cases that are overdue or due within a working day: those of the visitor, and those of nobody."""
    places = unit_names(session)
    rows = session.execute(
        sa.select(Case.id, Case.unit_id, Case.due_at, Case.reminded_at, Case.overdue_alarm_at)
        .where(
            *(Case.status.in_(OPEN), Case.unit_id.in_(visitor.units), NOT_MERGED),
            sa.or_(Case.assignee_id.is_(None), Case.assignee_id == visitor.account.id),
            sa.or_(Case.reminded_at > since, Case.overdue_alarm_at > since),
        )
        .order_by(Case.due_at)
        .limit(MOST)
    )
    found = []
    for row in rows:
        late = row.overdue_alarm_at is not None
        text = message("push.case_overdue" if late else "push.case_due", where=str(places[row.unit_id]))
        when = f"{row.due_at:%Y%m%d%H%M%S}" if row.due_at else ""
        path = "/cases?tab=overdue" if late else "/cases"
        key = f"case:{row.id}:{'late' if late else 'soon'}:{when}"
        found.append(News(key, row.overdue_alarm_at or row.reminded_at, text, path))
    return found


_FINDERS: dict[NoticeKind, Callable[[Session, Visitor, datetime.datetime], Sequence[News]]] = {
    NoticeKind.ALARMS: _alarms,
    NoticeKind.APPROVALS: _approvals,
    NoticeKind.CASES: _urgent_cases,
}
