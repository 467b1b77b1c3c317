"""Names that the recogniser may expect at this station: units, officials, and what people corrected lately."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.models import Transcript
from feedback.transcription.known_names import corrected_names, place_name
from haichieu.people import Official, Unit

NEWEST = 300
"""Corrected transcripts that are looked through; erased ones are forgotten here too."""

Names = Callable[[Session], list[str]]


def station_names(session: Session) -> list[str]:
    """Return the names; duplicates count once."""
    names = [*map(place_name, session.scalars(sa.select(Unit.name))), *session.scalars(sa.select(Official.name))]
    corrected = session.execute(
        sa.select(Transcript.original_text, Transcript.text)
        .where(Transcript.corrected_by != "")
        .order_by(Transcript.id.desc())
        .limit(NEWEST)
    )
    for original, text in corrected:
        names += corrected_names(original, text)
    return list(dict.fromkeys(names))
