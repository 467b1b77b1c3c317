"""Speakers, officials and accounts by name, for the search and their lists. They are few and are compared in Python."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.search.matching import Typed
from broadcast_bridge.models import Speaker
from broadcast_bridge.repairs.errors import WrongPoleCode
from broadcast_bridge.repairs.pole_codes import speaker_of_code
from haichieu.people import Account, Official, OfficialPhone

MOST_NAMES = 10_000


def speakers_named(
    session: Session, units: Collection[int], typed: Typed, *which: sa.ColumnElement[bool]
) -> Sequence[sa.Row[int, str, str, int]]:
    """Return id, name, code and unit of the speakers with these words, those first whose name begins with them.

    A speaker is found by the code on its pole as well.
    """
    try:
        on_pole = speaker_of_code(typed.digits)
    except WrongPoleCode:
        on_pole = None
    rows = session.execute(
        sa.select(Speaker.id, Speaker.name, Speaker.code, Speaker.unit_id)
        .where(Speaker.unit_id.in_(units), *which)
        .order_by(Speaker.code)
        .limit(MOST_NAMES)
    )
    found = (row for row in rows if row.id == on_pole or typed.is_in(row.name, row.code))
    return sorted(found, key=lambda row: not typed.begins(row.name))


def officials_named(
    session: Session, units: Collection[int], typed: Typed
) -> Sequence[sa.Row[int, str, str, str, int]]:
    """Return id, name, code, title and unit of the officials with these words, or with this telephone number."""
    here = (Official.unit_id.in_(units), Official.pin_hash != "")
    numbers: dict[int, list[str]] = {}
    if typed.digits:
        of = sa.select(OfficialPhone.official_id, OfficialPhone.number).join(OfficialPhone.official).where(*here)
        for official_id, number in session.execute(of.limit(MOST_NAMES)):
            numbers.setdefault(official_id, []).append(number)
    rows = session.execute(
        sa.select(Official.id, Official.name, Official.code, Official.title, Official.unit_id)
        .where(*here)
        .order_by(Official.code)
        .limit(MOST_NAMES)
    )
    return [
        row for row in rows if typed.is_in(row.name, row.code, row.title) or typed.is_in_number(numbers.get(row.id, ()))
    ]


def accounts_named(session: Session, units: Collection[int], typed: Typed) -> Sequence[sa.Row[int, str, str]]:
    """Return id, name and address of the accounts with these words."""
    rows = session.execute(
        sa.select(Account.id, Account.name, Account.email)
        .where(Account.unit_id.in_(units))
        .order_by(Account.email)
        .limit(MOST_NAMES)
    )
    return [row for row in rows if typed.is_in(row.name, row.email)]
