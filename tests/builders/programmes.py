"""Programmes, with and without sound."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import Origin, ProgrammeState
from haichieu.database import now
from haichieu.media import Media
from haichieu.people import Level, Unit
from tests.builders.house import House
from tests.builders.sounds import stored


def programme(
    session: Session, title: str = "Bản tin sáng", seconds: float | None = 300.0, unit_id: int | None = None
) -> Programme:
    """Add a programme without a sound, of the first unit there is unless one is given."""
    unit = session.get(Unit, unit_id) if unit_id else session.scalar(sa.select(Unit).order_by(Unit.id).limit(1))
    if unit is None:
        unit = Unit(code="D", name="Bảo Lạc", level=Level.DISTRICT)
        session.add(unit)
        session.flush()
    made = Programme(
        title=title, origin="upload", unit_id=unit.id, author="account:a@b", author_name="A", seconds=seconds,
        created_at=now(), updated_at=now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def approved(session: Session, media: Media, unit_id: int, title: str = "Nông vụ") -> Programme:
    """Add an approved programme with a sound."""
    made = programme(session, title)
    made.sound_id, made.unit_id, made.state, made.category = media.id, unit_id, ProgrammeState.APPROVED, "Nông nghiệp"
    session.flush()
    return made


def ready(house: House, unit: str = "commune", **more: object) -> int:
    """An approved programme with a sound, which may go on air."""
    with house.database.session() as session:
        sound = stored(session, house.store, f"{unit} {more}".encode() * 400).id
    return drafted(house, unit, state=ProgrammeState.APPROVED, sound_id=sound, **more)


def drafted(house: House, unit: str = "commune", **more: object) -> int:
    """A draft of the unit's editor, as text and without sound."""
    values: dict[str, object] = {
        "title": "Tiêm phòng", "origin": Origin.TEXT, "text": "Mời bà con", "unit_id": house.units[unit],
        "author": "account:editor@x.example", "author_name": "Lan", "created_at": now(), "updated_at": now(),
        "search_text": "tiem phong moi ba con", "category": "Y tế", **more,
    }  # fmt: skip
    with house.database.session() as session:
        made = Programme(**values)
        session.add(made)
        session.flush()
        return made.id
