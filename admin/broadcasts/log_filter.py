"""Filter of the broadcast log in the address, and its choices."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from admin.layout.addresses import choice_asked, day_asked, text_asked
from broadcast_bridge.broadcasts.log import Wanted
from broadcast_bridge.broadcasts.states import BroadcastState, Kind, Priority
from broadcast_bridge.models import Zone
from haichieu.people import Unit, units_under
from haichieu.periods import Period, period_of
from haichieu.station import the_station


@dataclass(frozen=True)
class LogFilter:
    """The requested filter; empty fields match everything."""

    words: str
    since: datetime.date | None
    until: datetime.date | None
    unit: str
    zone: str
    state: BroadcastState | None
    kind: Kind | None
    priority: Priority | None

    def address(self) -> dict[str, str]:
        """The filter as query parameters."""
        said = {
            "q": self.words, "since": self.since, "until": self.until, "unit": self.unit, "zone": self.zone,
            "state": self.state, "kind": self.kind, "priority": self.priority,
        }  # fmt: skip
        return {name: str(value) for name, value in said.items() if value}

    def wanted(self, session: Session, visitor: Visitor, at: datetime.datetime) -> Wanted:
        """Return the query of the log. A unit that is not the visitor's matches nothing."""
        days = self._days(session, at)
        return Wanted(
            self.words,
            days.begin if days and self.since else None,
            days.end if days and self.until else None,
            _below(session, visitor, self.unit) if self.unit else None,
            self.zone, self.state, self.kind, self.priority,
        )  # fmt: skip

    def _days(self, session: Session, at: datetime.datetime) -> Period | None:
        if self.since is None and self.until is None:
            return None
        return period_of(self.since, self.until, the_station(session).timezone, at)


def filter_asked() -> LogFilter:
    """Return the filter in the address of this request; a reversed period is corrected."""
    since, until = day_asked("since"), day_asked("until")
    if since and until and until < since:
        since, until = until, since
    return LogFilter(
        text_asked("q"), since, until, text_asked("unit", 40), text_asked("zone", 12),
        choice_asked("state", BroadcastState), choice_asked("kind", Kind), choice_asked("priority", Priority),
    )  # fmt: skip


def units_to_choose(session: Session, visitor: Visitor) -> Sequence[Unit]:
    """Return the visitor's units."""
    return session.scalars(sa.select(Unit).where(Unit.id.in_(visitor.units)).order_by(Unit.code)).all()


def zones_to_choose(session: Session) -> Sequence[Zone]:
    """Return the zones of the station."""
    return session.scalars(sa.select(Zone).where(Zone.removed_at.is_(None)).order_by(Zone.code)).all()


def _below(session: Session, visitor: Visitor, code: str) -> set[int]:
    unit = session.scalar(sa.select(Unit).where(Unit.code == code, Unit.id.in_(visitor.units)))
    return units_under(session, [unit.id]) if unit else set()
