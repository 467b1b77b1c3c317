"""The voices that a text is to be read in, as its programme and its unit choose."""

from sqlalchemy.orm import Session

from haichieu.people import Unit

LONGEST_VOICE = 100
"""Characters of a voice's name."""


def wanted_voices(session: Session, unit_id: int | None, of_programme: str | None = None) -> tuple[str, ...]:
    """Return the voices for a text, best first: its programme's, then those of its unit and the units above.

    A voice that is not installed or does not speak the text's language is passed over (`Voices.preferring`); after all
    of them comes the voice of the language.
    """
    wanted = [of_programme] if of_programme else []
    unit = session.get(Unit, unit_id) if unit_id is not None else None
    passed = set[int]()
    while unit is not None and unit.id not in passed:
        passed.add(unit.id)
        if unit.voice:
            wanted.append(unit.voice)
        unit = session.get(Unit, unit.parent_id) if unit.parent_id is not None else None
    return tuple(wanted)
