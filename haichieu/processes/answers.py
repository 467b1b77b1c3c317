"""Composition of answers: calls and recordings for the switchboard, programmes for the worker."""

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from broadcast_bridge.programmes import approval, intake
from broadcast_bridge.programmes.intake import About, Ready
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import PROGRAMME, Origin, ProgrammeEvent, ProgrammeState
from dialplans.numbering import OutgoingCalls
from feedback.answers.answer_sounds import FALLBACK_LANGUAGE, AnswerSounds
from feedback.answers.answers_on_air import AnswersOnAir, ForTheAir
from feedback.answers.off_air import AnswersOffAir
from feedback.answers.phone_answers import PhoneAnswers
from feedback.intake.voice_messages import VoiceMessages
from haichieu.ari.client import AriClient
from haichieu.audio.ingest import telephone_forms
from haichieu.audio.sound import Sound, read_wav, resample, write_wav
from haichieu.audio.synthetic_mark import read_mark, write_mark
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.outgoing import Use
from haichieu.processes.opened_station import OpenedStation
from haichieu.speech.pronunciations import dictionary_of
from haichieu.speech.synthesis import Voices
from haichieu.speech.voice_choice import wanted_voices
from haichieu.spool import Spool
from ivr.calls.answer_delivery import AnswerCalls
from ivr.calls.reception import Reception
from ivr.calls.routing import our_number
from ivr.desks.official_cases import OfficialCases

CATEGORY = "trả lời phản ánh"
"""The category of these programmes, as shown to people in Vietnam."""
PAUSE_SECONDS = 1.0
"""Silence between a citizen's recording and the answer."""


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


def answers_off_air(station: OpenedStation) -> AnswersOffAir:
    """Return the worker's part: answers whose programmes are withdrawn."""
    return AnswersOffAir(station.database, AnswerProgrammes(station.database, station.media, station.synthesiser))


class AnswerProgrammes:
    """Turns answers into programmes. `feedback` cannot do it, since it may not import `broadcast_bridge`."""

    def __init__(self, database: Database, store: MediaStore, synthesiser: Voices) -> None:
        self._database = database
        self._store = store
        self._synthesiser = synthesiser

    def make(self, answer: ForTheAir, made: Callable[[Session, int], None]) -> None:
        """Make a programme, and submit it for approval in the name of the person who answered."""
        with self._database.reading() as session:
            voices = self._synthesiser.preferring(wanted_voices(session, answer.unit_id))
        spoken = answer.language if answer.language in voices.languages else FALLBACK_LANGUAGE
        with self._store.scratch() as folder:
            if answer.recording is not None:
                ready = intake.ready_recording(answer.recording, Path(folder), Origin.PHONE)
            else:
                ready = intake.ready_text(answer.text, spoken, voices, Path(folder), dictionary_of(self._database))
            if answer.voice is not None:
                ready = _after_voice(answer.voice, ready, Path(folder))
            about = About(answer.title, answer.unit_id, answer.author, answer.author_name, CATEGORY, answer.language)
            placed = intake.put(self._store, ready)
            with self._database.session() as session:
                programme = intake.add(session, self._store, about, placed, now())
                approval.submit(session, programme, answer.author, now())
                made(session, programme.id)

    def withdraw(self, session: Session, programme_id: int, at: datetime.datetime) -> None:
        """Withdraw a programme and stop what plays it; nothing happens to one that is withdrawn already."""
        programme = session.get(Programme, programme_id, with_for_update=True)
        if programme is not None and (ProgrammeState(programme.state), ProgrammeEvent.WITHDRAW) in PROGRAMME.table:
            approval.withdraw(session, programme, "system", at)


def _after_voice(voice: Path, answer: Ready, folder: Path) -> Ready:
    """Put a citizen's recording before an answer, each levelled by itself. Raises UnusableSound."""
    parts = {name: folder / name for name in ("voice", "joined")}
    for part in parts.values():
        part.mkdir()
    before, after = read_wav(telephone_forms(voice, parts["voice"], recorded=True).wide), read_wav(answer.forms.wide)
    pause = np.zeros(int(PAUSE_SECONDS * after.rate), dtype=np.float32)
    joined = parts["joined"] / "joined.wav"
    write_wav(joined, Sound(np.concatenate([resample(before, after.rate).samples, pause, after.samples]), after.rate))
    if (mark := read_mark(answer.forms.wide)) is not None:
        write_mark(joined, mark)
    return replace(answer, forms=telephone_forms(joined, parts["joined"]))
