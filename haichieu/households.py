"""Households of units, which the report on effectiveness counts as listeners."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu import audit
from haichieu.errors import UsageError
from haichieu.people import Unit

MOST_HOUSEHOLDS = 1_000_000


class NotANumberOfHouseholds(UsageError):
    """The text is no number of households."""


def households_from(text: str) -> int | None:
    """Return the number of households that a person typed; None for an empty text. Raises NotANumberOfHouseholds."""
    digits = text.strip()
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(MOST_HOUSEHOLDS))):
        raise NotANumberOfHouseholds("households.no_number", most=MOST_HOUSEHOLDS)
    if int(digits) > MOST_HOUSEHOLDS:
        raise NotANumberOfHouseholds("households.no_number", most=MOST_HOUSEHOLDS)
    return int(digits)


def set_households(session: Session, wanted: Mapping[int, int | None], who: str) -> int:
    """Store the households of units, by id, with an audit entry for each that changes; return how many did."""
    changed = 0
    for unit in session.scalars(sa.select(Unit).where(Unit.id.in_(wanted)).order_by(Unit.id)):
        if unit.households != wanted[unit.id]:
            audit.record(
                session, who, "unit.households", f"unit:{unit.code}",
                before=-1 if unit.households is None else unit.households,
                after=-1 if wanted[unit.id] is None else wanted[unit.id] or 0,
            )  # fmt: skip
            unit.households = wanted[unit.id]
            changed += 1
    return changed
