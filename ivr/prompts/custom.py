"""Custom prompts: a text or a recording that replaces a built-in prompt.

They are rows, with the sounds in the media store; a running switchboard reads them through `CustomPrompts`.

    PromptRefused           a text or a recording cannot replace a prompt
    ChangedMeanwhile        another user has changed the prompt meanwhile
"""

import contextlib
import datetime
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship

from haichieu import audit
from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.database import Base, Database, now
from haichieu.errors import HaiChieuError
from haichieu.locale import message
from haichieu.media import Media, MediaStore, Stored
from haichieu.speech.pronunciations import Pronunciations, pronunciations
from haichieu.speech.reading import NO_ENTRIES
from haichieu.speech.synthesis import speakable
from ivr.prompts.prompt_texts import BadPromptFile, PromptTexts, require_template, variables_in

LONGEST_TEXT = 1000
"""Characters of a prompt; callers do not listen longer before they may speak."""
MOST_SECONDS = 300.0
MOST_BYTES = 60_000_000
"""Five minutes of the largest format that a browser or telephone records."""


class Origin(StrEnum):
    """Origins of a custom prompt."""

    TEXT = "text"
    UPLOAD = "upload"
    BROWSER = "browser"
    PHONE = "phone"


class PromptRefused(HaiChieuError):
    """The text or recording cannot replace the prompt."""


class ChangedMeanwhile(HaiChieuError):
    """Another user has changed the prompt meanwhile."""

    def __init__(self) -> None:
        super().__init__("prompt.changed_meanwhile")


class CustomPrompt(Base):
    """A custom prompt in one language: a recording where `sound` is set, else a text to be synthesised."""

    __tablename__ = "own_prompts"
    __table_args__ = (sa.UniqueConstraint("key", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(80))
    language: Mapped[str] = mapped_column(sa.String(8))
    text: Mapped[str] = mapped_column(sa.Text, default="")
    sound_id: Mapped[int | None] = mapped_column(sa.ForeignKey("media.id"), index=True)
    origin: Mapped[str] = mapped_column(sa.String(20))
    changed_by: Mapped[str] = mapped_column(sa.String(300))
    changed_at: Mapped[datetime.datetime] = mapped_column(default=now)

    sound: Mapped[Media | None] = relationship()

    @property
    def edition(self) -> str:
        """A mark of its current state."""
        return self.changed_at.isoformat()


def find_custom(session: Session, key: str, language: str) -> CustomPrompt | None:
    """Return the custom prompt in the language, None where the built-in one is used."""
    query = sa.select(CustomPrompt).where(CustomPrompt.key == key, CustomPrompt.language == language)
    return session.scalar(query.options(joinedload(CustomPrompt.sound)))


def require_edition(session: Session, key: str, language: str, edition: str) -> None:
    """Raise ChangedMeanwhile unless the prompt is unchanged; an empty edition is the built-in one."""
    own = find_custom(session, key, language)
    if edition != (own.edition if own else ""):
        raise ChangedMeanwhile


def require_text(texts: PromptTexts, key: str, text: str) -> str:
    """Return a text in its stored form. Raises PromptRefused, or NothingToSay of `haichieu.speech.synthesis`.

    It needs the same values as the built-in text, so that no case number is left out.
    """
    text = " ".join(text.split())
    if len(text) > LONGEST_TEXT:
        raise PromptRefused("prompt.too_long", count=len(text), most=LONGEST_TEXT)
    speakable(text)
    try:
        require_template("", key, text)
    except BadPromptFile:
        raise PromptRefused("prompt.braces", example="{zone}") from None
    needed, given = texts.variables(key), variables_in(text)
    if missing := sorted(needed - given):
        raise PromptRefused("prompt.values_missing", values=tuple(f"{{{name}}}" for name in missing))
    if unknown := sorted(given - needed):
        raise PromptRefused("prompt.values_unknown", values=tuple(f"{{{name}}}" for name in unknown))
    return text


def set_text(
    session: Session, texts: PromptTexts, key: str, language: str, text: str, who: str, at: datetime.datetime
) -> CustomPrompt:
    """Set the text of a prompt, from the next call on. Raises PromptRefused or NothingToSay."""
    text = require_text(texts, key, text)
    return _put(session, key, language, who, at, text=text, sound=None, origin=Origin.TEXT)


def require_recordable(texts: PromptTexts, key: str) -> None:
    """Raise PromptRefused when the prompt has values, which a recording cannot contain."""
    if texts.has_values(key):
        raise PromptRefused("prompt.not_recordable")


def set_recording(
    session: Session,
    store: MediaStore,
    texts: PromptTexts,
    key: str,
    language: str,
    stored: Stored,
    origin: Origin,
    who: str,
    at: datetime.datetime,
) -> CustomPrompt:
    """Set the recording of a prompt, from the next call on. Raises PromptRefused."""
    require_recordable(texts, key)
    sound = store.add(session, stored)
    return _put(session, key, language, who, at, text="", sound=sound, origin=origin)


def restore_built_in(session: Session, key: str, language: str, who: str) -> bool:
    """Restore the built-in prompt; return whether there was a custom one."""
    own = find_custom(session, key, language)
    if own is None:
        return False
    session.delete(own)
    alarm_is_over(session, AlarmKind.PROMPT_MISSING, f"{language}/{key}")
    audit.record(session, who, "prompt.take_back", f"prompt:{language}/{key}")
    return True


def _put(
    session: Session,
    key: str,
    language: str,
    who: str,
    at: datetime.datetime,
    *,
    text: str,
    sound: Media | None,
    origin: Origin,
) -> CustomPrompt:
    own = find_custom(session, key, language)
    if own is None:
        own = CustomPrompt(key=key, language=language)
        session.add(own)
    own.text, own.sound, own.origin, own.changed_by, own.changed_at = text, sound, origin, who, at
    session.flush()
    alarm_is_over(session, AlarmKind.PROMPT_MISSING, f"{language}/{key}")
    audit.record(session, who, "prompt.change", f"prompt:{language}/{key}", origin=str(origin))
    return own


@dataclass(frozen=True)
class Own:
    """A custom prompt for playing: the path of its recording without extension, or its text."""

    text: str
    recording: Path | None


class CustomPrompts:
    """A cache of the custom prompts and the dictionary. Its methods read the database: call them in a thread."""

    def __init__(self, database: Database, store: MediaStore) -> None:
        self._database = database
        self._store = store
        self._seen: tuple[object, ...] | None = None
        self._found: dict[tuple[str, str], Own] = {}
        self._missing: set[tuple[str, str]] = set()
        self.dictionary: Pronunciations = NO_ENTRIES

    def look_again(self) -> None:
        """Reload the prompts when they have changed, and the dictionary."""
        with self._database.reading() as session:
            self.dictionary = pronunciations(session)
            stamp = session.execute(sa.select(sa.func.count(), sa.func.max(CustomPrompt.changed_at))).one()
            if self._seen == tuple(stamp):
                return
            rows = session.scalars(sa.select(CustomPrompt).options(joinedload(CustomPrompt.sound))).all()
            self._found = {(row.key, row.language): Own(row.text, self._recording(row)) for row in rows}
            self._seen = tuple(stamp)
        self._missing &= self._found.keys()

    def text(self, key: str, language: str) -> str | None:
        """Return the custom text of a prompt, None without one."""
        own = self._found.get((key, language))
        return own.text if own is not None and own.text else None

    def recording(self, key: str, language: str) -> Path | None:
        """Return the custom recording of a prompt, as a path without extension. A missing file raises an alarm."""
        own = self._found.get((key, language))
        if own is None or own.recording is None:
            return None
        there = own.recording.with_suffix(".wav").is_file()
        if there == ((key, language) in self._missing):
            self._tell(key, language, there)
        return own.recording if there else None

    def _recording(self, row: CustomPrompt) -> Path | None:
        return self._store.path(row.sound).with_suffix("").absolute() if row.sound else None

    def _tell(self, key: str, language: str, there: bool) -> None:
        tell: Callable[[Session], None] = _found_again(key, language) if there else _lost(key, language)
        with contextlib.suppress(sa.exc.OperationalError):  # the next call tries again
            with self._database.session() as session:
                tell(session)
            (self._missing.discard if there else self._missing.add)((key, language))


def _lost(key: str, language: str) -> Callable[[Session], None]:
    lost = message("prompt.alarm.recording_missing", key=key, language=language)
    return lambda session: raise_alarm(session, AlarmKind.PROMPT_MISSING, f"{language}/{key}", lost)


def _found_again(key: str, language: str) -> Callable[[Session], None]:
    return lambda session: alarm_is_over(session, AlarmKind.PROMPT_MISSING, f"{language}/{key}")
