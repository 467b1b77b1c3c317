"""Sounds of answers: the recording, else the text as synthesised speech, in both telephone formats in the media store.

A synthesised sound is attached to the message: later attempts reuse it, and it is deleted with the message's sound.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from feedback.models import Message
from haichieu.audio.ingest import TelephoneForms
from haichieu.database import Database
from haichieu.media import Media, MediaStore
from haichieu.speech.pronunciations import dictionary_of
from haichieu.speech.spoken_forms import spoken_forms
from haichieu.speech.synthesis import Synthesiser

FALLBACK_LANGUAGE = "vi"


@dataclass(frozen=True)
class AnswerSound:
    """A sound as Asterisk plays it: its path without extension, and its duration."""

    path: str
    seconds: float


class AnswerSounds:
    """Provides the sounds of answers. Its methods block while ffmpeg works: use a thread."""

    def __init__(self, database: Database, store: MediaStore, synthesiser: Synthesiser) -> None:
        self._database = database
        self._store = store
        self._synthesiser = synthesiser

    def ready(self, message_id: int) -> AnswerSound:
        """Return the sound of a message, made on first use. Raises SpeechError, UnusableSound or DiskFull."""
        with self._database.reading() as session:
            message = session.get_one(Message, message_id)
            if message.sound is not None:
                return self.of(message.sound)
            text, language = message.text, message.language
        self._store.require_space()
        with self.folder() as folder:
            forms = self.speak(text, language, Path(folder))
            stored = self._store.put(forms.narrow, forms.wide)
            with self._database.session() as session:
                message = session.get_one(Message, message_id)
                if message.sound is None:
                    message.sound = self._store.add(session, stored)
                return self.of(message.sound)

    def speak(self, text: str, language: str, folder: Path) -> TelephoneForms:
        """Synthesise a text into `folder`; in Vietnamese where no voice speaks the language."""
        spoken_in = language if language in self._synthesiser.languages else FALLBACK_LANGUAGE
        return spoken_forms(text, spoken_in, self._synthesiser, folder, dictionary_of(self._database))

    def folder(self) -> tempfile.TemporaryDirectory[str]:
        """Return a temporary folder to make sounds in."""
        return self._store.scratch()

    def of(self, media: Media) -> AnswerSound:
        """Return a sound of the store."""
        return AnswerSound(str(self._store.path(media).with_suffix("")), media.seconds)
