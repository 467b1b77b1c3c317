"""Long texts that are on air while they are spoken: the worker adds one sound after the other to the broadcast.

The first sound is made before the broadcast is requested. A worker that dies is followed by another within seconds, and
a voice process that dies is started again (`haichieu.speech.station_voices`).
"""

import datetime
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import BroadcastState
from broadcast_bridge.models import Broadcast, BroadcastSound, SpokenRest
from broadcast_bridge.speakers.zones import unit_of_zones
from haichieu import jobs
from haichieu.audio.ingest import UnusableSound
from haichieu.background import in_thread
from haichieu.database import Database, now
from haichieu.errors import shown
from haichieu.job_runner import JobRunner
from haichieu.jobs import Claim, Job
from haichieu.media import MediaStore, Stored
from haichieu.speech.pronunciations import dictionary_of
from haichieu.speech.spoken_forms import spoken_forms
from haichieu.speech.synthesis import SpeechError, Voices
from haichieu.speech.voice_choice import wanted_voices

log = structlog.get_logger()

SPEAK_REST = "speak_rest"


def add_rest(session: Session, broadcast_id: int, language: str, parts: Sequence[str], at: datetime.datetime) -> None:
    """Have the parts spoken that follow the sounds which the broadcast has."""
    session.add(SpokenRest(broadcast_id=broadcast_id, language=language, parts=list(parts)))
    jobs.add(session, SPEAK_REST, broadcast_id, at)


def is_being_spoken(session: Session, broadcast_id: int) -> bool:
    """Return whether more sounds will be added to the broadcast."""
    return session.get(SpokenRest, broadcast_id, populate_existing=True) is not None


class SpokenRests(JobRunner):
    """Speaks the rest of long texts, in the worker."""

    kinds = (SPEAK_REST,)
    lease = datetime.timedelta(seconds=6)
    """On air they wait for it; it is extended as long as the worker lives."""
    retry_after = datetime.timedelta(seconds=1)

    def __init__(self, database: Database, store: MediaStore, synthesiser: Voices) -> None:
        super().__init__(database)
        self._store = store
        self._synthesiser = synthesiser

    async def handle(self, claim: Claim) -> None:
        """Speak part after part; each is stored before the next begins."""
        while (rest := await self._database.run(lambda session: self._next(session, claim))) is not None:
            language, part = rest
            await in_thread(lambda: self._speak(claim, language, part))  # noqa: B023 (awaited in this round)

    def give_up(self, session: Session, job: Job) -> None:
        """End the broadcast after what is spoken; with an alarm."""
        session.execute(sa.delete(SpokenRest).where(SpokenRest.broadcast_id == job.subject_id))
        super().give_up(session, job)

    def _next(self, session: Session, held: Claim) -> tuple[str, str] | None:
        """Return language and text of the next part; settle the job when there is none, or nobody wants it."""
        rest = session.get(SpokenRest, held.subject_id, populate_existing=True)
        broadcast = session.get_one(Broadcast, held.subject_id)
        if rest is not None and (broadcast.state == BroadcastState.CANCELLED or broadcast.stop_asked_at is not None):
            session.delete(rest)
            rest = None
        if rest is None:
            jobs.done(session, held, now())
            return None
        return rest.language, rest.parts[0]

    def _speak(self, held: Claim, language: str, part: str) -> None:
        dictionary = dictionary_of(self._database)
        with self._database.reading() as session:
            codes = session.get_one(Broadcast, held.subject_id).zone_codes
            voices = self._synthesiser.preferring(wanted_voices(session, unit_of_zones(session, codes)))
        with self._store.scratch() as folder:
            try:
                forms = spoken_forms(part, language, voices, Path(folder), dictionary)
                stored = self._store.put(forms.narrow, forms.wide)
            except (SpeechError, UnusableSound) as problem:
                log.warning("broadcast.part_not_spoken", broadcast=held.subject_id, problem=shown(problem))
                stored = None
            with self._database.session() as session:
                self._add(session, held, part, stored)

    def _add(self, session: Session, held: Claim, part: str, stored: Stored | None) -> None:
        rest = session.get(SpokenRest, held.subject_id, with_for_update=True, populate_existing=True)
        if rest is None or rest.parts[0] != part:
            return  # another worker has spoken it
        if stored is not None:
            media = self._store.add(session, stored)
            last = session.scalar(
                sa.select(sa.func.max(BroadcastSound.position)).where(BroadcastSound.broadcast_id == held.subject_id)
            )
            position = 0 if last is None else last + 1
            session.add(BroadcastSound(broadcast_id=held.subject_id, position=position, media_id=media.id))
        rest.parts = rest.parts[1:]
        if not rest.parts:
            session.delete(rest)
