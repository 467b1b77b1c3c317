"""Alarm after a process hung and the supervisor replaced it, raised by the new process."""

import sqlalchemy as sa
import structlog

from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import Database
from haichieu.locale import message
from haichieu.process_pulse import Pulse

log = structlog.get_logger()


def report_hang(database: Database, process: str, pulse: Pulse) -> None:
    """Raise the alarm if the last process of this name hung. A database that cannot be written to stops no start."""
    if not pulse.hung:
        return
    try:
        with database.session() as session:
            raise_alarm(session, AlarmKind.PROCESS_HUNG, process, message("base.process_hung", process=process))
    except sa.exc.SQLAlchemyError as problem:
        log.warning("alarm.not_raised", kind=str(AlarmKind.PROCESS_HUNG), problem=type(problem).__name__)
