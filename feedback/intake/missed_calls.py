"""Missed calls: citizens who hang up before the answer are called back once, at no cost to them.

A caller's number can be forged, so the rules leave nothing to gain from that: one call, within the hours for calls to
citizens, only to subscribers of allowed countries, and not repeatedly to the same number.
"""

import datetime
import zoneinfo
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.citizens.registry import CitizenBook
from feedback.models import CitizenCall
from haichieu.day_hours import next_moment_within
from haichieu.outgoing import OutgoingRule, Use
from haichieu.phone_numbers import is_withheld
from haichieu.set_aside import or_set_aside
from haichieu.station import the_station

DELAY = datetime.timedelta(seconds=3)
"""Time for the caller to put the phone down."""
VALID = datetime.timedelta(minutes=15)
"""A call that could not be placed for this long after it was due is dropped."""
NOT_AGAIN_FOR = datetime.timedelta(minutes=10)
"""Minimum time between two calls back to one number."""
MOST_AN_HOUR = 60
"""Limit of pending calls to all citizens together; a higher rate is an attack."""


@dataclass(frozen=True)
class PendingCitizenCall:
    """A pending call: its number, and the number that the citizen dialled."""

    id: int
    number: str
    dialled: str

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers to try: only one."""
        return (self.number,)


class MissedCalls:
    """The queue of calls back to citizens, over `CitizenCall`."""

    def __init__(self, citizens: CitizenBook, rule: OutgoingRule) -> None:
        self._citizens = citizens
        self._rule = rule

    def add(self, session: Session, number: str, dialled: str, at: datetime.datetime) -> bool:
        """Queue a call back to a caller who hung up; return whether one will be placed."""
        if is_withheld(number):
            return False
        digest = self._citizens.digest(number)
        lately = sa.select(CitizenCall.id).where(
            CitizenCall.number_hash == digest, CitizenCall.due_at > at - NOT_AGAIN_FOR
        )
        in_the_hour = sa.select(sa.func.count()).where(CitizenCall.due_at > at - datetime.timedelta(hours=1))
        if (
            self._rule.refusal(session, Use.MISSED_CALLS, number) is not None
            or session.scalar(lately.limit(1)) is not None
            or session.scalars(in_the_hour).one() >= MOST_AN_HOUR
        ):
            return False
        station = the_station(session)
        local = (at + DELAY).astimezone(zoneinfo.ZoneInfo(station.timezone))
        due = next_moment_within(station.reply_hours, local).astimezone(datetime.UTC)
        session.add(
            CitizenCall(
                number_hash=digest,
                number_locked=self._citizens.lock(number),
                dialled=dialled,
                state="owed",
                due_at=due,
                expires_at=due + VALID,
            )
        )
        return True

    def claim(self, session: Session, at: datetime.datetime, most: int = 10) -> list[PendingCitizenCall]:
        """Claim up to `most` calls that are due; drop those that are too late or cannot be read."""
        for late in session.scalars(
            sa.select(CitizenCall).where(CitizenCall.state == "owed", CitizenCall.expires_at < at)
        ):
            _close(late, "expired", "too late")
        session.flush()
        session.execute(
            sa.delete(CitizenCall).where(
                CitizenCall.state.in_(("done", "expired")), CitizenCall.expires_at < at - datetime.timedelta(hours=1)
            )
        )
        due = session.scalars(
            sa.select(CitizenCall)
            .where(CitizenCall.state == "owed", CitizenCall.due_at <= at)
            .order_by(CitizenCall.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        ).all()
        claimed = [
            or_set_aside(
                session,
                f"citizen_call:{pending.id}",
                partial(self._take, pending),
                partial(_close, pending, "expired", "cannot be read"),
            )
            for pending in due
        ]
        return [one for one in claimed if one is not None]

    def _take(self, pending: CitizenCall) -> PendingCitizenCall:
        pending.state = "calling"
        return PendingCitizenCall(pending.id, self._citizens.unlock(pending.number_locked), pending.dialled)

    def next_due(self, session: Session) -> datetime.datetime | None:
        """Return when the next call is due; None without a pending one."""
        return session.scalar(sa.select(sa.func.min(CitizenCall.due_at)).where(CitizenCall.state == "owed"))

    def settle(self, session: Session, call_id: int, outcome: str) -> None:
        """Record the outcome of a call. Its number is deleted; its hash is needed for `NOT_AGAIN_FOR`.

        The row may be gone: it is erased together with its citizen.
        """
        if (pending := session.get(CitizenCall, call_id)) is not None:
            _close(pending, "done", outcome)

    def expire_interrupted(self, session: Session) -> int:
        """Drop calls that a dead switchboard was placing: they may have been answered."""
        interrupted = session.scalars(sa.select(CitizenCall).where(CitizenCall.state == "calling")).all()
        for pending in interrupted:
            _close(pending, "expired", "the switchboard was restarted")
        return len(interrupted)


def _close(pending: CitizenCall, state: str, outcome: str) -> None:
    pending.state, pending.outcome, pending.number_locked = state, outcome[:200], ""
