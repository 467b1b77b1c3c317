"""Recording of a prompt by telephone: the person called hears the current sentence and records a new one."""

import asyncio
import re
import uuid
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from haichieu.ari.call import Call
from haichieu.audio.ingest import UnusableSound, telephone_forms
from haichieu.background import retried
from haichieu.database import Database, now
from haichieu.media import DiskFull, MediaStore, Stored
from haichieu.spool import Spool
from haichieu.station import the_station
from ivr.desks.official import PhoneDesk
from ivr.flows.review import AGAIN, review
from ivr.flows.session import Line, Session
from ivr.prompts import calls, custom
from ivr.prompts.calls import PendingPromptCall
from ivr.prompts.custom import MOST_SECONDS, Origin
from ivr.prompts.store import PromptStore

SILENCE_SECONDS = 4
_NAME = re.compile(r"prompt-[0-9a-f]{32}")


class PromptRecorder:
    """Records prompts; a recording that is not confirmed by a key is discarded."""

    def __init__(
        self,
        database: Database,
        prompts: PromptStore,
        spool: Spool,
        store: MediaStore,
        desk_for: Callable[[Call, str], PhoneDesk],
    ) -> None:
        self._database = database
        self._prompts = prompts
        self._spool = spool
        self._store = store
        self._desk_for = desk_for

    async def take_up(self, call: Call, pending: PendingPromptCall) -> None:
        """Record until the speaker is satisfied, then use the recording for the prompt. Raises HungUp."""
        language = await self._database.look(lambda session: the_station(session).language)
        session = Session(call, self._prompts, self._desk_for(call, ""), language)
        now_said = await asyncio.to_thread(self._prompts.sound, pending.key, pending.language)
        await call.say(*await session.sounds(Line("prompt-call-greeting")), now_said)
        for left_behind in self._spool.left_behind(_NAME):
            self._spool.discard(left_behind)
        name = f"prompt-{uuid.uuid4().hex}"
        self._spool.take(name)
        try:
            await self._record(session, call, name, pending)
        finally:
            self._spool.discard(name)
            self._spool.let_go(name)

    async def _record(self, session: Session, call: Call, name: str, pending: PendingPromptCall) -> None:
        while True:
            await session.say("record-instructions")
            if not await call.record(name, max_seconds=int(MOST_SECONDS), silence_seconds=SILENCE_SECONDS):
                await session.say("record-failed")
                return
            key = await review(session, Line("record-menu"), self._spool.sound(name))
            if key is None:
                return
            if key != AGAIN:
                break
            self._spool.discard(name)
        try:
            # The spool loses the recording with this call: it stays until it is stored.
            with self._store.scratch() as folder:
                stored = await asyncio.to_thread(self._converted, name, Path(folder))
                await retried(
                    lambda: asyncio.to_thread(self._keep, stored, pending), sa.exc.DBAPIError, sa.exc.TimeoutError
                )
        except UnusableSound:
            await session.say("recording-silent")
        except DiskFull:
            await session.say("record-failed")
        else:
            await session.say("prompt-call-kept")

    def _converted(self, name: str, folder: Path) -> Stored:
        """Put the recording into the store, once: its forms must stay in the folder until the row is committed."""
        self._store.require_space()
        forms = telephone_forms(self._spool.wav(name), folder, most_seconds=MOST_SECONDS)
        return self._store.put(forms.narrow, forms.wide)

    def _keep(self, stored: Stored, pending: PendingPromptCall) -> None:
        with self._database.session() as session:
            custom.set_recording(
                session, self._store, self._prompts.texts, pending.key, pending.language, stored, Origin.PHONE,
                pending.asked_by, now(),
            )  # fmt: skip
            calls.kept(session, pending.id)
