"""Recordings of live broadcasts: from Asterisk's spool to the media store, also after a crash."""

import re

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.broadcast_lifecycle import attach_recording
from broadcast_bridge.models import Broadcast
from haichieu.database import Database
from haichieu.media import MediaStore, Stored
from haichieu.spool import LeftRecording, Spool, SpooledRecordings, close_wav

log = structlog.get_logger()


class Recordings(SpooledRecordings):
    """Stores the recordings of live broadcasts; each leaves the spool only after the commit."""

    kind = re.compile(r"broadcast-(\d+)")

    def __init__(self, spool: Spool, database: Database, store: MediaStore) -> None:
        super().__init__(spool)
        self._database = database
        self._store = store

    def require_space(self) -> None:
        """Raise DiskFull when no recording should be started."""
        self._store.require_space()

    @staticmethod
    def name(broadcast_id: int) -> str:
        """Return Asterisk's name for the recording of a broadcast."""
        return f"broadcast-{broadcast_id}"

    def take(self, broadcast_id: int) -> None:
        """Claim the recording for a running broadcast, until `let_go`."""
        self._spool.take(self.name(broadcast_id))

    def put(self, broadcast_id: int) -> Stored | None:
        """Put the recording into the store, before the transaction that closes its broadcast; None without sound.

        A recording that cannot be stored does not prevent the closing: it stays in the spool for the intake.
        """
        try:
            return self._put(broadcast_id)
        except Exception:
            log.exception("recording.not_stored", broadcast=broadcast_id)
            return None

    def collect(self, session: Session, broadcast_id: int, stored: Stored | None) -> None:
        """Attach the recording as the last step of the transaction that closes its broadcast."""
        if stored is None:
            return
        try:
            with session.begin_nested():
                self._attach(session, broadcast_id, stored)
        except Exception:
            log.exception("recording.not_collected", broadcast=broadcast_id)
        else:
            self._discard_after_commit(session, broadcast_id)

    def left_recordings(self) -> list[LeftRecording]:
        """Return the recordings of broadcasts that are over."""
        found = {int(name.rpartition("-")[2]): name for name in self.left_behind()}
        if not found:
            return []
        with self._database.reading() as session:
            over = sa.select(Broadcast.id).where(Broadcast.id.in_(found), Broadcast.ended_at.is_not(None))
            return [LeftRecording(found[broadcast_id]) for broadcast_id in session.scalars(over.order_by(Broadcast.id))]

    def take_in(self, name: str) -> str | None:
        """Store a recording that was left behind; see `haichieu.recording_intake`."""
        broadcast_id = int(name.rpartition("-")[2])
        stored = self._put(broadcast_id)
        if stored is None:
            return None
        with self._database.session() as session:
            self._attach(session, broadcast_id, stored)
            self._discard_after_commit(session, broadcast_id)
        return f"broadcast {broadcast_id}"

    def _put(self, broadcast_id: int) -> Stored | None:
        name = self.name(broadcast_id)
        if not self._spool.has_sound(name):
            self._spool.discard(name)
            return None
        close_wav(self._spool.wav(name))
        return self._store.put(self._spool.wav(name))

    def _attach(self, session: Session, broadcast_id: int, stored: Stored) -> None:
        attach_recording(session, broadcast_id, self._store.add(session, stored))

    def _discard_after_commit(self, session: Session, broadcast_id: int) -> None:
        """Let the recording leave the spool after the commit. Not in a savepoint, whose end counts as a commit."""
        name = self.name(broadcast_id)
        sa.event.listen(session, "after_commit", lambda _: self._spool.discard(name), once=True)
