"""Cases by phone: implements `CaseDesk` over casework."""

import asyncio
import re
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

from feedback.answers.answer_sounds import AnswerSounds
from feedback.answers.phone_answers import PhoneAnswers, waiting_for
from feedback.cases.case_lifecycle import OPEN
from feedback.models import Case
from feedback.states import Direction, Way
from haichieu.audio.ingest import UnusableSound
from haichieu.database import Database
from haichieu.speech.synthesis import NothingToSay
from haichieu.station import the_station
from ivr.desks.protocols import WaitingCase

_NUMBER = re.compile(r"\+?\d(?:[ .\-()]?\d){8,}")
"""A telephone number in any spelling."""


class OfficialCases:
    """The desk of one call. Texts are synthesised into a folder that exists as long as the call."""

    def __init__(self, database: Database, answers: PhoneAnswers, sounds: AnswerSounds) -> None:
        self._database = database
        self._answers = answers
        self._sounds = sounds
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def new_cases(self, official_id: int) -> list[int]:
        return await self._database.look(lambda session: waiting_for(session, official_id))

    async def open_case(self, case_id: int) -> WaitingCase | None:
        """Return a case, with its sounds prepared."""
        return await asyncio.to_thread(self._open, case_id)

    async def begin_answer(self, official_id: int, case_id: int) -> str:
        return await asyncio.to_thread(self._answers.begin, official_id, case_id)

    def answer_sound(self, name: str) -> str:
        return self._answers.sound(name)

    async def send_answer(self, name: str) -> bool:
        """Send the answer, even when the caller hangs up meanwhile."""
        return await asyncio.shield(asyncio.to_thread(self._answers.send, name)) == Way.CALL

    def discard_answer(self, name: str) -> None:
        self._answers.discard(name)

    def release_answer(self, name: str) -> None:
        self._answers.let_go(name)

    def forget_sounds(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _open(self, case_id: int) -> WaitingCase | None:
        with self._database.reading() as session:
            case = session.get(Case, case_id)
            if case is None or case.status not in OPEN:
                return None
            opened_at = case.opened_at.astimezone(ZoneInfo(the_station(session).timezone))
            number, language = case.number, case.language
            category = case.category.name if case.category is not None else ""
            said = [
                (self._sounds.of(message.sound).path if message.sound is not None else "", message.text)
                for message in case.messages
                if message.direction == Direction.IN
            ]
        # Reading aloud takes seconds: the database is not kept waiting.
        sounds = [sound or self._read(text, language) for sound, text in said]
        return WaitingCase(case_id, number, category, opened_at, tuple(sound for sound in sounds if sound))

    def _read(self, text: str, language: str) -> str:
        """Synthesise a text without the telephone numbers in it; empty when nothing is left."""
        if self._folder is None:
            self._folder = self._sounds.folder()
        folder = Path(tempfile.mkdtemp(dir=self._folder.name))
        try:
            forms = self._sounds.speak(_NUMBER.sub("…", text), language, folder)
        except (NothingToSay, UnusableSound):
            return ""
        forms.wide.rename(forms.narrow.with_suffix(".wav16"))
        return str(forms.narrow.with_suffix(""))
