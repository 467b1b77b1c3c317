"""Households of units: what people type, and the trace of a change."""

import pytest
import sqlalchemy as sa

from haichieu.audit import AuditEntry
from haichieu.database import Database
from haichieu.households import NotANumberOfHouseholds, households_from, set_households
from haichieu.people import Level, Unit


@pytest.mark.parametrize(
    ("text", "number"), [("", None), ("  ", None), ("0", 0), (" 120 ", 120), ("1000000", 1_000_000)]
)
def test_number_of_households_may_be_unknown(text: str, number: int | None) -> None:
    assert households_from(text) == number


@pytest.mark.parametrize("text", ["-1", "1.5", "1,200", "một trăm", "1000001", "99999999999", "١٢"])
def test_what_is_no_number_of_households_is_refused(text: str) -> None:
    with pytest.raises(NotANumberOfHouseholds):
        households_from(text)


def test_only_changed_households_are_recorded(database: Database) -> None:
    with database.session() as session:
        one, other = (Unit(code=code, name=code, level=Level.VILLAGE) for code in ("A", "B"))
        session.add_all([one, other])
        session.flush()
        assert set_households(session, {one.id: 120, other.id: None}, "account:a@b") == 1
        assert set_households(session, {one.id: 120}, "account:a@b") == 0
        assert set_households(session, {one.id: None}, "account:a@b") == 1
        details = session.scalars(sa.select(AuditEntry.detail).order_by(AuditEntry.id)).all()
        assert details == [{"before": -1, "after": 120}, {"before": 120, "after": -1}]
