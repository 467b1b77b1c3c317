"""Composition of answers: calls and recordings for the switchboard, programmes for the worker."""

import datetime
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.orm import Session

from broadcast_bridge.programmes import approval, intake
from broadcast_bridge.programmes.intake import About
from broadcast_bridge.programmes.states import Origin
from dialplans.numbering import OutgoingCalls
from feedback.answers.answer_sounds import FALLBACK_LANGUAGE, AnswerSounds
from feedback.answers.answers_on_air import AnswersOnAir, ForTheAir
from feedback.answers.phone_answers import PhoneAnswers
from feedback.intake.voice_messages import VoiceMessages
from haichieu.ari.client import AriClient
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.outgoing import Use
from haichieu.processes.opened_station import OpenedStation
from haichieu.speech.pronunciations import dictionary_of
from haichieu.speech.synthesis import Synthesiser
from haichieu.spool import Spool
from ivr.calls.answer_delivery import AnswerCalls
from ivr.calls.reception import Reception
from ivr.calls.routing import our_number
from ivr.desks.official_cases import OfficialCases

CATEGORY = "trả lời phản ánh"
"""The category of these programmes, as shown to people in Vietnam."""


class SpokenAnswers:
    """The switchboard's part: answers that it plays and records."""

    def __init__(self, station: OpenedStation, spool: Spool) -> None:
        self._station = station
        self._sounds = AnswerSounds(station.database, station.media, station.synthesiser)
        self.by_phone = PhoneAnswers(spool, station.database, station.media, self._sounds)

    def cases(self) -> OfficialCases:
        """Return the cases for one call of an official."""
        return OfficialCases(self._station.database, self.by_phone, self._sounds)

    def calls(self, client: AriClient, reception: Reception, messages: VoiceMessages) -> AnswerCalls:
        """Return the calls that deliver answers; `messages` records what citizens reply."""
        pauses = [datetime.timedelta(minutes=minutes) for minutes in self._station.settings.answer_call_minutes]
        return AnswerCalls(
            client,
            self._station.database,
            reception,
            OutgoingCalls(self._station.database, self._station.outgoing, Use.ANSWER_CALLS, our_number),
            book=self._station.citizens,
            sounds=self._sounds,
            messages=messages,
            pauses=pauses,
        )


def answers_on_air(station: OpenedStation) -> AnswersOnAir:
    """Return the worker's part: answers that become programmes."""
    programmes = AnswerProgrammes(station.database, station.media, station.synthesiser)
    return AnswersOnAir(station.database, station.media, station.citizens, programmes)


class AnswerProgrammes:
    """Turns answers into programmes. `feedback` cannot do it, since it may not import `broadcast_bridge`."""

    def __init__(self, database: Database, store: MediaStore, synthesiser: Synthesiser) -> None:
        self._database = database
        self._store = store
        self._synthesiser = synthesiser

    def make(self, answer: ForTheAir, made: Callable[[Session, int], None]) -> None:
        """Make a programme, and submit it for approval in the name of the person who answered."""
        spoken = answer.language if answer.language in self._synthesiser.languages else FALLBACK_LANGUAGE
        with self._store.scratch() as folder:
            if answer.recording is not None:
                ready = intake.ready_recording(answer.recording, Path(folder), Origin.PHONE)
            else:
                ready = intake.ready_text(
                    answer.text, spoken, self._synthesiser, Path(folder), dictionary_of(self._database)
                )
            about = About(answer.title, answer.unit_id, answer.author, answer.author_name, CATEGORY, answer.language)
            placed = intake.put(self._store, ready)
            with self._database.session() as session:
                programme = intake.add(session, self._store, about, placed, now())
                approval.submit(session, programme, answer.author, now())
                made(session, programme.id)
