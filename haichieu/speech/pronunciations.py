"""The station's pronunciation dictionary: how names of places and people are read aloud."""

import re
import unicodedata
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu.database import Base, Database
from haichieu.errors import HaiChieuError

LONGEST_WRITTEN, LONGEST_SAID = 100, 200
MOST = 2000
"""Entries."""

Pronunciations = Mapping[str, str]
"""What is said, by what is written."""

_BORDERS = (r"(?<!\w)", r"(?!\w)")


class PronunciationRefused(HaiChieuError):
    """The entry of the dictionary is not valid."""


class Pronunciation(Base):
    """One entry: a word or a phrase, and what is said for it."""

    __tablename__ = "pronunciations"

    id: Mapped[int] = mapped_column(primary_key=True)
    written: Mapped[str] = mapped_column(sa.String(LONGEST_WRITTEN), unique=True)
    said: Mapped[str] = mapped_column(sa.String(LONGEST_SAID))


def pronunciations(session: Session) -> Pronunciations:
    """Return the dictionary of the station."""
    rows = session.execute(sa.select(Pronunciation.written, Pronunciation.said))
    return {written: said for written, said in rows}


def dictionary_of(database: Database) -> Pronunciations:
    """Return the dictionary, read in a transaction of its own."""
    with database.reading() as session:
        return pronunciations(session)


def teach(session: Session, written: str, said: str) -> Pronunciation:
    """Add an entry, or change the one that is written alike. Raises PronunciationRefused."""
    written, said = (unicodedata.normalize("NFC", " ".join(text.split())) for text in (written, said))
    if not re.search(r"\w", written) or not re.search(r"[^\W\d_]", said):
        raise PronunciationRefused("pronunciation.empty")
    if len(written) > LONGEST_WRITTEN or len(said) > LONGEST_SAID:
        raise PronunciationRefused("pronunciation.too_long", written=LONGEST_WRITTEN, said=LONGEST_SAID)
    entries = session.scalars(sa.select(Pronunciation)).all()  # SQLite's lower() knows no "Đ"
    entry = next((one for one in entries if one.written.lower() == written.lower()), None)
    if entry is None:
        if len(entries) >= MOST:
            raise PronunciationRefused("pronunciation.too_many", most=MOST)
        entry = Pronunciation(written=written, said=said)
        session.add(entry)
    entry.written, entry.said = written, said
    session.flush()
    return entry


def pronounced(text: str, dictionary: Pronunciations) -> str:
    """Return a text with the entries of a dictionary replaced: whole words, in any case, the longest first."""
    if not dictionary:
        return text
    said = {written.lower(): words for written, words in dictionary.items()}
    longest = sorted(said, key=len, reverse=True)
    alternatives = "|".join(re.escape(written).replace(r"\ ", r"\s+") for written in longest)
    pattern = re.compile(f"{_BORDERS[0]}(?:{alternatives}){_BORDERS[1]}", re.IGNORECASE)
    return pattern.sub(lambda found: said.get(" ".join(found[0].lower().split()), found[0]), text)
