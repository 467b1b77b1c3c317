"""Composes answers: by call and by phone for the switchboard, on air for the worker."""

import datetime
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.orm import Session

from broadcast_bridge.programmes import approval, intake
from broadcast_bridge.programmes.intake import About
from broadcast_bridge.programmes.states import Origin
from dialplans.numbering import endpoint_for
from feedback.answers.answer_sounds import FALLBACK_LANGUAGE, AnswerSounds
from feedback.answers.on_air import AnswersOnAir, ForTheAir
from feedback.answers.phone_answers import PhoneAnswers
from feedback.citizens.registry import open_citizens
from feedback.intake.voice_messages import VoiceMessages
from haichieu.ari.client import AriClient
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.settings import Settings
from haichieu.speech.synthesis import EspeakSynthesiser, Synthesiser
from haichieu.spool import Spool
from ivr.calls.answer_delivery import AnswerCalls
from ivr.calls.reception import Reception
from ivr.desks.official_cases import OfficialCases

CATEGORY = "trả lời phản ánh"
"""What the programmes are filed under."""


class SpokenAnswers:
    """The switchboard's half: answers that it plays and records."""

    def __init__(self, settings: Settings, database: Database, store: MediaStore, spool: Spool) -> None:
        self._settings = settings
        self._database = database
        self._sounds = AnswerSounds(database, store, EspeakSynthesiser())
        self.by_phone = PhoneAnswers(spool, database, store, self._sounds)

    def cases(self) -> OfficialCases:
        """A desk for one call of an official."""
        return OfficialCases(self._database, self.by_phone, self._sounds)

    def calls(self, client: AriClient, reception: Reception, messages: VoiceMessages) -> AnswerCalls:
        """Who rings the citizens; `messages` takes what they say to an answer."""
        book = open_citizens(self._settings.home.absolute())
        pauses = [datetime.timedelta(minutes=minutes) for minutes in self._settings.answer_call_minutes]
        return AnswerCalls(
            client,
            self._database,
            reception,
            endpoint_for,
            book=book,
            sounds=self._sounds,
            messages=messages,
            pauses=pauses,
        )


def answers_on_air(settings: Settings, database: Database, store: MediaStore) -> AnswersOnAir:
    """The worker's half."""
    book = open_citizens(settings.home.absolute())
    return AnswersOnAir(database, store, book, AnswerProgrammes(database, store, EspeakSynthesiser()))


class AnswerProgrammes:
    """Makes programmes of answers: what `feedback` may not know of."""

    def __init__(self, database: Database, store: MediaStore, synthesiser: Synthesiser) -> None:
        self._database = database
        self._store = store
        self._synthesiser = synthesiser

    def make(self, answer: ForTheAir, made: Callable[[Session, int], None]) -> None:
        """Make a programme, and submit it for approval in the name of who answered."""
        spoken = answer.language if answer.language in self._synthesiser.languages else FALLBACK_LANGUAGE
        with self._store.scratch() as folder:
            if answer.recording is not None:
                ready = intake.ready_recording(answer.recording, Path(folder), Origin.PHONE)
            else:
                ready = intake.ready_text(answer.text, spoken, self._synthesiser, Path(folder))
            about = About(answer.title, answer.unit_id, answer.author, answer.author_name, CATEGORY, answer.language)
            with self._database.session() as session:
                programme = intake.add(session, self._store, about, ready, now())
                approval.submit(session, programme, answer.author, now())
                made(session, programme.id)
