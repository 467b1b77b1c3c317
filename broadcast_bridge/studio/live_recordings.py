"""Recordings of live broadcasts: from Asterisk's spool to the media store, also after a crash."""

import re
from pathlib import Path

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.broadcast_lifecycle import attach_recording
from broadcast_bridge.models import Broadcast
from haichieu.media import MediaStore
from haichieu.spool import HEADER_BYTES, close_wav

_NAME = re.compile(r"broadcast-(\d+)\.wav")


class Recordings:
    """Moves recordings from Asterisk's spool to the media store."""

    def __init__(self, spool: Path, store: MediaStore) -> None:
        self._spool = spool
        self._store = store

    def require_space(self) -> None:
        """Raise DiskFull when no recording should be started."""
        self._store.require_space()

    @staticmethod
    def name(broadcast_id: int) -> str:
        """Return Asterisk's name for the recording of a broadcast."""
        return f"broadcast-{broadcast_id}"

    def collect(self, session: Session, broadcast_id: int) -> bool:
        """Move the recording of a broadcast into the store; return whether there was one with sound in it."""
        wav = self._spool / f"{self.name(broadcast_id)}.wav"
        if not wav.exists() or wav.stat().st_size <= HEADER_BYTES:
            wav.unlink(missing_ok=True)
            return False
        close_wav(wav)
        attach_recording(session, broadcast_id, self._store.keep(session, wav))
        return True

    def sweep(self, session: Session) -> list[int]:
        """Collect the recordings that a crash left in the spool; return the ids of the broadcasts."""
        names = (_NAME.fullmatch(path.name) for path in sorted(self._spool.glob("broadcast-*.wav")))
        known = [int(name[1]) for name in names if name and session.get(Broadcast, int(name[1]))]
        return [broadcast_id for broadcast_id in known if self.collect(session, broadcast_id)]
