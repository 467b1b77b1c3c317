"""Alarms about voices that cannot be used: espeak-ng reads instead, and everybody hears it."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.alarms import Alarm, AlarmKind, alarm_is_over, raise_alarm
from haichieu.locale import Message


def report_voices(session: Session, problems: Mapping[str, Message]) -> None:
    """Raise the alarm of each language in `problems`, and clear those of the others."""
    for language, problem in problems.items():
        raise_alarm(session, AlarmKind.VOICE_DOWN, language, problem)
    of_others = sa.select(Alarm.subject).where(
        Alarm.kind == AlarmKind.VOICE_DOWN, Alarm.cleared_at.is_(None), Alarm.subject.not_in(problems)
    )
    for language in session.scalars(of_others).all():
        alarm_is_over(session, AlarmKind.VOICE_DOWN, language)
