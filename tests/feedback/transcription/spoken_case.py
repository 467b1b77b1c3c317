"""A case that begins with a spoken message, its sound in a store."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.models import Case, Message
from feedback.states import Channel, Direction
from haichieu.audio.sound import Sound
from haichieu.database import Database, now
from haichieu.media import MediaStore
from haichieu.people import Unit
from tests.builders.cases import office
from tests.builders.sounds import kept
from tests.feedback.transcription.sounds import write


def spoken_case(database: Database, store: MediaStore, sound: Sound, language: str = "en") -> int:
    """Open it; return the message's id."""
    store.folder.mkdir(parents=True, exist_ok=True)
    with database.session() as session:
        media = kept(session, store, write(store.folder, sound))
        said = Said(Direction.IN, Channel.CALL, "citizen", sound=media, language=language)
        opened = open_case(session, Opening(Channel.CALL, _unit(session), "number", language=language), said, now())
        return opened.messages[0].id


def store_in(folder: Path) -> MediaStore:
    """A media store."""
    return MediaStore(folder / "media", 0)


def message(session: Session, message_id: int) -> tuple[Message, Case]:
    """A message and its case."""
    found = session.get_one(Message, message_id)
    return found, found.case


def _unit(session: Session) -> int:
    there = session.scalar(sa.select(Unit.id).where(Unit.code == "BL-CB"))
    return there if there is not None else office(session).co_ba.id
