"""Recordings of fault reports: from Asterisk's spool into the report, even when the caller has hung up.

The report is committed before its recording begins, so that the name of a recording says where it belongs. No number of
a caller is stored with it.
"""

import datetime
import re
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.repairs.errors import NoSuchReport
from broadcast_bridge.repairs.models import FaultReport, Repair
from broadcast_bridge.repairs.states import RepairState
from haichieu import audit
from haichieu.database import Database
from haichieu.media import MediaStore, unnamed
from haichieu.spoken_recording import cut_silence, has_speech
from haichieu.spool import Spool, SpooledRecordings

AT_ONCE = 500


class FaultRecordings(SpooledRecordings):
    """Stores the recordings of fault reports. Its methods block: use a thread."""

    kind = re.compile(r"fault-(\d+)-[0-9a-f]{32}")

    def __init__(self, spool: Spool, database: Database, store: MediaStore) -> None:
        super().__init__(spool)
        self._database = database
        self._store = store

    def begin(self, report_id: int) -> str:
        """Return the name to record to. Raises DiskFull."""
        self._store.require_space(self._spool.bytes_for_another())
        name = f"fault-{report_id}-{uuid.uuid4().hex}"
        self._spool.take(name)
        return name

    def keep(self, name: str) -> bool:
        """Store a recording with its report, once; return False after deleting a silent one.

        It leaves the spool after the commit. Raises UnreadableSound or NoSuchReport and leaves it.
        """
        wav, report_id = self._spool.wav(name), int(name.split("-")[1])
        with self._database.reading() as session:
            found = session.get(FaultReport, report_id)
        if found is None:
            raise NoSuchReport(report_id)
        if found.sound_id is None:
            if not has_speech(wav):
                self.discard(name)
                return False
            cut_silence(wav)
            stored = self._store.put(wav)
            with self._database.session() as session:
                found = session.get_one(FaultReport, report_id, with_for_update=True)
                found.sound = self._store.add(session, stored)
        self.discard(name)
        return True

    def take_in(self, name: str) -> str | None:
        """Store a recording that was left behind; see `haichieu.recording_intake`."""
        return f"fault report {name.split('-')[1]}" if self.keep(name) else None


def forget_words(session: Session, store: MediaStore, days: int, at: datetime.datetime) -> int:
    """Delete the recordings of repairs that were closed more than `days` ago (0 is for ever); return how many."""
    if not days:
        return 0
    old = session.scalars(
        sa.select(FaultReport)
        .join(Repair)
        .where(
            FaultReport.sound_id.is_not(None),
            Repair.state == RepairState.CLOSED,
            Repair.closed_at < at - datetime.timedelta(days=days),
        )
        .limit(AT_ONCE)
    ).all()
    sounds = {one.sound_id for one in old if one.sound_id is not None}
    for one in old:
        one.sound = None
    session.flush()
    if old:
        store.discard(session, unnamed(session, sounds))
        audit.record(session, "retention", "repair.forget_words", "repairs", sounds=len(old))
    return len(old)
