"""Intake of programmes: uploads, texts, recordings by phone, and past live broadcasts.

Converting and storing the sound takes seconds and no transaction: first call `ready_…` and `put` in a thread, then
`add` with a session.
"""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.programmes import approval, programme_search
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import PROGRAMME, Origin, ProgrammeState
from haichieu import audit
from haichieu.audio.ingest import MOST_SECONDS, TelephoneForms, telephone_forms
from haichieu.errors import HaiChieuError
from haichieu.media import Media, MediaStore, Stored
from haichieu.people import Unit
from haichieu.speech.pronunciations import Pronunciations
from haichieu.speech.reading import NO_ENTRIES
from haichieu.speech.scripts import require_script
from haichieu.speech.spoken_forms import spoken_forms
from haichieu.speech.synthesis import Synthesiser, TextTooLong, speakable

RECORDED_IN_BROWSER = "recording."
"""The name that the panel's script gives to what a microphone recorded."""
LONGEST_TEXT = 20_000
"""Characters of a text programme, about twenty minutes of speech."""


class ProgrammeRefused(HaiChieuError):
    """The data of the programme is not valid."""


class AlreadyThere(HaiChieuError):
    """The same file is stored already, as programme `programme_id` with title `title`."""

    def __init__(self, programme_id: int, title: str) -> None:
        super().__init__("programme.already_there", title=title)
        self.programme_id = programme_id
        self.title = title


@dataclass(frozen=True)
class About:
    """The data of a programme apart from its sound. `author` is an actor such as `account:a@b`."""

    title: str
    unit_id: int
    author: str
    author_name: str
    category: str = ""
    language: str = "vi"
    priority: Priority = Priority.NORMAL
    valid_until: datetime.datetime | None = None
    tags: Sequence[str] = field(default=())
    voice: str | None = None


@dataclass(frozen=True)
class Ready:
    """A sound that is ready to be added. `upload` is the original file, None where the station has it elsewhere."""

    origin: Origin
    forms: TelephoneForms
    upload: Path | None = None
    suffix: str = ".bin"
    text: str = ""


@dataclass(frozen=True)
class Placed:
    """A ready sound whose files are in the store."""

    ready: Ready
    sound: Stored
    original: Stored | None


def ready_upload(
    upload: Path,
    folder: Path,
    name: str,
    *,
    most_seconds: float = MOST_SECONDS,
    progress: Callable[[float], None] = lambda share: None,
) -> Ready:
    """Convert an uploaded file; `name` is its file name. Raises UnusableSound."""
    recorded = name.startswith(RECORDED_IN_BROWSER)
    forms = telephone_forms(upload, folder, most_seconds=most_seconds, progress=progress, recorded=recorded)
    return Ready(Origin.UPLOAD, forms, upload, Path(name).suffix)


def ready_recording(recording: Path, folder: Path, origin: Origin) -> Ready:
    """Convert a recording of the station, by phone or of a live broadcast. Raises UnusableSound."""
    return Ready(origin, telephone_forms(recording, folder, recorded=True))


def ready_text(
    text: str,
    language: str,
    synthesiser: Synthesiser,
    folder: Path,
    dictionary: Pronunciations = NO_ENTRIES,
    progress: Callable[[float], None] = lambda share: None,
) -> Ready:
    """Synthesise a text; a preview plays the result. Raises SpeechError, UnusableSound."""
    check_text(text, language)
    forms = spoken_forms(text, language, synthesiser, folder, dictionary, progress)
    return Ready(Origin.TEXT, forms, text=text.strip())


def check_text(text: str, language: str) -> None:
    """Raise SpeechError for a text that is too long, says nothing, or is in a script that the voice cannot read."""
    if len(text) > LONGEST_TEXT:
        raise TextTooLong("programme.text_too_long", length=len(text), limit=LONGEST_TEXT)
    speakable(text[:5000])
    require_script(text, language)


def put(store: MediaStore, ready: Ready) -> Placed:
    """Put the files of a sound into the store, outside of a transaction. Raises DiskFull."""
    store.require_space()
    original = None
    if ready.upload is not None:
        original = store.put_original(ready.upload, ready.suffix, ready.forms.seconds)
    return Placed(ready, store.put(ready.forms.narrow, ready.forms.wide), original)


def add(session: Session, store: MediaStore, about: About, placed: Placed, at: datetime.datetime) -> Programme:
    """Store a programme as a draft. Raises ProgrammeRefused or AlreadyThere."""
    check_about(session, about)
    if placed.original is not None and placed.ready.origin == Origin.UPLOAD:
        refuse_twice(session, placed.original.sha256)
    programme = add_stored(session, about, store.add(session, placed.sound), placed.ready.origin, placed.ready.text, at)
    programme.seconds = placed.ready.forms.seconds
    if placed.original is not None:
        programme.original = store.add(session, placed.original)
    return programme


def add_stored(
    session: Session, about: About, sound: Media, origin: Origin, text: str, at: datetime.datetime
) -> Programme:
    """Make a draft of a sound that has its row already. Raises ProgrammeRefused."""
    check_about(session, about)
    programme = Programme(
        title=about.title.strip(),
        origin=origin,
        text=text,
        category=about.category,
        language=about.language,
        voice=about.voice,
        unit_id=about.unit_id,
        author=about.author,
        author_name=about.author_name,
        priority=about.priority,
        valid_until=about.valid_until,
        tags=list(about.tags),
        state=PROGRAMME.initial,
        sound=sound,
        seconds=sound.seconds,
        created_at=at,
        updated_at=at,
    )
    programme_search.index(programme)
    session.add(programme)
    session.flush()
    audit.record(session, about.author, "programme.add", f"programme:{programme.id}", title=programme.title)
    return programme


def change(session: Session, programme: Programme, about: About, who: str, at: datetime.datetime) -> None:
    """Change the data of a programme, which becomes a draft again. Raises ProgrammeRefused or IllegalTransition."""
    check_about(session, about)
    approval.edited(session, programme, who, at)
    programme.title, programme.category, programme.language = about.title.strip(), about.category, about.language
    programme.priority, programme.valid_until, programme.tags = about.priority, about.valid_until, list(about.tags)
    programme.voice = about.voice
    programme_search.index(programme)


def replace_text(
    session: Session, store: MediaStore, programme: Programme, placed: Placed, who: str, at: datetime.datetime
) -> None:
    """Replace text and sound of a text programme, which becomes a draft again. Raises ProgrammeRefused, …"""
    ready = placed.ready
    if programme.origin != Origin.TEXT or ready.origin is not Origin.TEXT:
        raise ProgrammeRefused("programme.not_a_text")
    approval.edited(session, programme, who, at)
    programme.text, programme.seconds = ready.text, ready.forms.seconds
    programme.sound = store.add(session, placed.sound)
    programme_search.index(programme)


def check_about(session: Session, about: About) -> None:
    """Raise ProgrammeRefused for a title that cannot be shown, or a unit that does not exist."""
    title = about.title.strip()
    if not 1 <= len(title) <= 200 or any(ord(letter) < 32 for letter in title):
        raise ProgrammeRefused("programme.title")
    unit = session.get(Unit, about.unit_id)
    if unit is None or unit.retired_at is not None:
        raise ProgrammeRefused("programme.no_such_unit", number=about.unit_id)


def refuse_twice(session: Session, digest: str) -> None:
    """Raise AlreadyThere when a programme was made of the same file."""
    same = session.scalar(
        sa.select(Programme)
        .join(Media, Programme.original_id == Media.id)
        .where(Media.sha256 == digest, Programme.state != ProgrammeState.WITHDRAWN)
        .limit(1)
    )
    if same is not None:
        raise AlreadyThere(same.id, same.title)
