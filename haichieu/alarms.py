"""Alarms: problems that need a person, open until one acknowledges them or the cause is gone."""

import datetime
from enum import StrEnum

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu import audit
from haichieu.database import Base, now
from haichieu.errors import NotFound
from haichieu.locale import Message, render
from haichieu.locale.column import MessageText

log = structlog.get_logger()


class AlarmKind(StrEnum):
    """Kinds of alarms."""

    SIGN_IN_LOCKED = "sign_in_locked"
    RECORDING_FAILED = "recording_failed"
    BROADCAST_FAILED = "broadcast_failed"
    ASTERISK_DOWN = "asterisk_down"
    ALERT_FORGED = "alert_forged"
    ALERT_NOWHERE = "alert_nowhere"
    ALERT_NOT_AIRED = "alert_not_aired"
    ALERT_DEFECTIVE = "alert_defective"
    FEED_SILENT = "feed_silent"
    SCHEDULE_MISSED = "schedule_missed"
    CASE_OVERDUE = "case_overdue"
    DATA_REQUEST_DUE = "data_request_due"
    FORWARDING_DUE = "forwarding_due"
    TRANSCRIBER_DOWN = "transcriber_down"
    TRANSCRIPTION_FAILED = "transcription_failed"
    TEXTS_FAILING = "texts_failing"
    ANSWER_FAILED = "answer_failed"
    PROMPT_MISSING = "prompt_missing"
    FLOW_DAMAGED = "flow_damaged"
    JOB_FAILED = "job_failed"
    SPEAKER_OPEN = "speaker_open"
    OUTGOING_REFUSED = "outgoing_refused"
    OUTGOING_LIMIT = "outgoing_limit"
    PROCESS_HUNG = "process_hung"
    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 (a name)
    BACKUP_FAILED = "backup_failed"
    TRUNK_DOWN = "trunk_down"
    VOICE_DOWN = "voice_down"
    SOURCE_SILENT = "source_silent"
    SOURCE_DEFECTIVE = "source_defective"
    BULLETIN_REFUSED = "bulletin_refused"
    SPEAKER_AWAY = "speaker_away"
    SPEAKER_UNSAFE = "speaker_unsafe"
    DUTY_AT_RISK = "duty_at_risk"
    DUTY_OVERDUE = "duty_overdue"
    SIM_EXPIRES = "sim_expires"
    WARRANTY_EXPIRES = "warranty_expires"
    NODE_DOWN = "node_down"
    CLOCK_OFF = "clock_off"
    MEDIA_MISSING = "media_missing"


class NoSuchAlarm(NotFound):
    """There is no alarm of this number."""


class Alarm(Base):
    """One alarm; open while `cleared_at` is empty."""

    __tablename__ = "alarms"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(40))
    subject: Mapped[str] = mapped_column(sa.String(200))
    text: Mapped[Message] = mapped_column(MessageText)
    raised_at: Mapped[datetime.datetime] = mapped_column(default=now, index=True)
    cleared_at: Mapped[datetime.datetime | None]


def raise_alarm(session: Session, kind: AlarmKind, subject: str, text: Message) -> None:
    """Open an alarm, unless the same one is already open."""
    same = sa.select(Alarm.id).where(Alarm.kind == kind, Alarm.subject == subject, Alarm.cleared_at.is_(None))
    if session.scalar(same) is None:
        session.add(Alarm(kind=kind, subject=subject, text=text))
        log.warning("alarm", kind=str(kind), subject=subject, text=render(text, "en"))


def alarm_is_over(session: Session, kind: AlarmKind, subject: str) -> None:
    """Clear an alarm whose cause is gone; nothing happens when it is not open."""
    session.execute(
        sa.update(Alarm)
        .where(Alarm.kind == kind, Alarm.subject == subject, Alarm.cleared_at.is_(None))
        .values(cleared_at=now())
    )


def open_alarms(session: Session) -> list[Alarm]:
    """Return the open alarms, newest first."""
    return list(session.scalars(sa.select(Alarm).where(Alarm.cleared_at.is_(None)).order_by(Alarm.id.desc())))


def clear_alarm(session: Session, alarm_id: int, who: str, at: datetime.datetime) -> None:
    """Acknowledge an alarm. Raises NoSuchAlarm; one that is already cleared stays unchanged."""
    alarm = session.get(Alarm, alarm_id, with_for_update=True)
    if alarm is None:
        raise NoSuchAlarm("base.alarm.unknown", id=alarm_id)
    if alarm.cleared_at is None:
        alarm.cleared_at = at
        audit.record(session, who, "alarm.clear", f"alarm:{alarm.id}", kind=alarm.kind, about=alarm.subject)
