"""Recorded consents: from Asterisk's spool to the case, even when the caller or the switchboard is gone.

The caller has pressed the key of a purpose before the recording begins, and says the consent aloud; a silent recording
is no consent.
"""

import re
import uuid

import sqlalchemy as sa

from feedback.citizens import consents
from feedback.citizens.consents import Proof
from feedback.citizens.models import Consent
from feedback.models import Case
from feedback.states import ConsentForm, Purpose
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.spoken_recording import has_speech
from haichieu.spool import Spool, SpooledRecordings


class ConsentRecordings(SpooledRecordings):
    """Stores the consents in Asterisk's spool. Its methods block: use a thread."""

    kind = re.compile(r"consent-(\d+)-([a-z]+)-[0-9a-f]{32}")

    def __init__(self, spool: Spool, database: Database, store: MediaStore) -> None:
        super().__init__(spool)
        self._database = database
        self._store = store

    def begin(self, case_id: int, purpose: Purpose) -> str:
        """Return the name to record to. Raises DiskFull."""
        self._store.require_space(self._spool.bytes_for_another())
        name = f"consent-{case_id}-{purpose}-{uuid.uuid4().hex}"
        self._spool.take(name)
        return name

    def keep(self, name: str) -> bool:
        """Record the consent and return whether there is one: the recording leaves the spool in any case.

        Raises UnreadableSound, and leaves it.
        """
        wav = self._spool.wav(name)
        if not has_speech(wav):
            self.discard(name)
            return False
        case_id, purpose = int(name.split("-")[1]), Purpose(name.split("-")[2])
        stored = self._store.put(wav)
        with self._database.session() as session:
            # An erasure or a withdrawal of the consent waits for this row, or comes first.
            case = session.get(Case, case_id, with_for_update=True)
            was_stored = session.scalar(sa.select(Consent.id).where(Consent.recording == name)) is not None
            is_someones = case is not None and case.citizen_id is not None
            if case is not None and is_someones and not was_stored:
                proof = Proof(ConsentForm.CALL, sound=self._store.add(session, stored), recording=name)
                consents.give(session, case, purpose, proof, now())
        self.discard(name)
        return is_someones

    def take_in(self, name: str) -> str | None:
        """Record a consent whose caller hung up before the end of the recording; see `haichieu.recording_intake`."""
        return "consent" if self.keep(name) else None
