"""Visibility of programmes, and the fields of their form."""

import datetime
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from admin.sounds.voice_choices import voice_from
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.programmes.intake import About
from broadcast_bridge.programmes.models import Programme
from haichieu.errors import NotFound, UsageError
from haichieu.people import Unit
from haichieu.station import the_station

LANGUAGES = ("vi", "en", "km", "hmn", "tyz")
"""Languages of programmes, by ISO 639-1 or 639-3."""
LONGEST_CATEGORY = 80


class EditedMeanwhile(UsageError):
    """Another user changed the programme since its form was opened."""


def find_programme(session: Session, number: int) -> Programme:
    """Return the programme with this id. Raises NotFound."""
    found = session.get(Programme, number) if number < 2**31 else None
    if found is None:
        raise NotFound("panel.programmes.no_such", number=number)
    return found


def unit_of_programme(session: Session, number: int) -> list[int]:
    """Return the unit of a programme. Raises NotFound."""
    return [find_programme(session, number).unit_id]


def units_for(session: Session, visitor: Visitor, *, also_retired: bool = False) -> list[Unit]:
    """Return the units that an account may choose, or with the retired ones those that its programmes may have."""
    chosen = () if also_retired else (Unit.retired_at.is_(None),)
    return list(session.scalars(sa.select(Unit).where(Unit.id.in_(visitor.units), *chosen).order_by(Unit.name)))


def unit_id_of(value: str) -> int:
    """Return the unit id in a form field. Raises UsageError."""
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise UsageError("panel.programmes.no_unit")
    return int(value)


def about_from(
    session: Session, said: Mapping[str, str] | Callable[[str], str], visitor: Visitor, was: Programme | None = None
) -> About:
    """Return the fields of a form; `was` is the programme that is edited. Raises UsageError."""
    value = said if callable(said) else lambda name: said.get(name, "")
    category = " ".join(value("category").split())
    language = value("language") or "vi"
    if len(category) > LONGEST_CATEGORY or not category.isprintable():
        raise UsageError("panel.programmes.category_too_long", most=LONGEST_CATEGORY)
    if language not in LANGUAGES:
        raise UsageError("panel.programmes.wrong_language")
    return About(
        value("title"), was.unit_id if was else unit_id_of(value("unit")), was.author if was else visitor.actor,
        was.author_name if was else visitor.account.name, category, language,
        Priority(was.priority) if was else Priority.NORMAL, _end_of(session, value("valid_until")),
        was.tags if was else (), voice_from(value("voice")),
    )  # fmt: skip


def last_day(session: Session, programme: Programme) -> str:
    """Return the last day of validity, as the form shows it."""
    if programme.valid_until is None:
        return ""
    zone = ZoneInfo(the_station(session).timezone)
    return (programme.valid_until.astimezone(zone) - datetime.timedelta(seconds=1)).date().isoformat()


def _end_of(session: Session, day: str) -> datetime.datetime | None:
    if not day:
        return None
    try:
        date = datetime.date.fromisoformat(day)
        midnight = datetime.datetime.combine(date + datetime.timedelta(days=1), datetime.time())
        return midnight.replace(tzinfo=ZoneInfo(the_station(session).timezone)).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise UsageError("panel.programmes.wrong_last_day") from None
