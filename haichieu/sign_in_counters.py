"""Counters of failed sign-ins, one row per subject, advanced before the secret is compared.

A subject is an identity or an origin: `official:1001`, `caller:+84…`, `account:a@b`, `address:192.0.2.7`. The table
contains a keyed digest of it, so that it names no number and no address, and only the times of the last attempts.

An attempt has three steps, so that a slow hash never holds a write lock and parallel attempts cannot pass a limit:
`begin` locks the rows, refuses or counts, and is committed; then the secret is compared without a transaction;
then `succeeded` takes the count back. An attempt that is never finished counts as a failure.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu.alarms import AlarmKind, alarm_is_over
from haichieu.database import SILENTLY, Base
from haichieu.vault import Vault

WINDOW = datetime.timedelta(minutes=15)
LOCK = datetime.timedelta(minutes=15)
RETENTION = datetime.timedelta(days=1)

FIRST_DELAY = datetime.timedelta(seconds=30)
LONGEST_DELAY = datetime.timedelta(minutes=15)
_DELAYS = 6
"""Doublings of the first delay until it reaches the longest."""


class SignInCounter(Base):
    """The latest failed or unfinished attempts of one subject; `tries` are Unix times, oldest first.

    `identity` is the keyed digest of the person whose sign-in the subject limits, empty for a subject of many.
    """

    __tablename__ = "sign_in_counters"

    subject: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    identity: Mapped[str] = mapped_column(sa.String(64), index=True, default="")
    tries: Mapped[list[float]] = mapped_column(sa.JSON)
    refused_until: Mapped[datetime.datetime | None]
    last_at: Mapped[datetime.datetime] = mapped_column(index=True)


_TABLE = cast("sa.Table", SignInCounter.__table__)


class Rule(Protocol):
    """What failed attempts of a subject lead to."""

    @property
    def limit(self) -> int:
        """The number of failures without consequences, plus one: the failure that raises the alarm."""
        ...

    @property
    def stored(self) -> int:
        """The number of attempts to store."""
        ...

    def refused_until(self, tries: Sequence[float]) -> float | None:
        """Return when the next attempt is allowed, by the attempts of the last day; None for at once."""
        ...


@dataclass(frozen=True)
class Lock:
    """`limit` failures within `WINDOW` lock the subject for `LOCK`."""

    limit: int

    @property
    def stored(self) -> int:
        return self.limit

    def refused_until(self, tries: Sequence[float]) -> float | None:
        last = tries[-self.limit :]
        if len(last) < self.limit or last[-1] - last[0] > WINDOW.total_seconds():
            return None
        return last[-1] + LOCK.total_seconds()


@dataclass(frozen=True)
class Delay:
    """From the failure `limit` within a day on, each failure doubles the delay before the next attempt."""

    limit: int

    @property
    def stored(self) -> int:
        return self.limit + _DELAYS

    def refused_until(self, tries: Sequence[float]) -> float | None:
        if len(tries) < self.limit:
            return None
        delay = min(FIRST_DELAY * (1 << len(tries) - self.limit), LONGEST_DELAY)
        return tries[-1] + delay.total_seconds()


@dataclass(frozen=True)
class Subject:
    """A subject and its rule. `shown` is its name in alarms, empty for none.

    A successful attempt clears the failures of a subject that is `own`, and takes back only itself from one that many
    people share. An administrator lifts the locks of an `identity`.
    """

    name: str
    rule: Rule
    shown: str = ""
    own: bool = True
    identity: str = ""


@dataclass(frozen=True)
class Attempt:
    """An attempt that was counted and may be compared."""

    subjects: tuple[Subject, ...]
    at: datetime.datetime


@dataclass(frozen=True)
class Refusal:
    """An attempt that must not be compared. It was not counted."""

    until: datetime.datetime


def begin(
    session: Session,
    vault: Vault,
    checked: Iterable[Subject],
    at: datetime.datetime,
    *,
    also_counted: Iterable[Subject] = (),
) -> Attempt | Refusal:
    """Count an attempt, unless a `checked` subject refuses it. Commit before comparing the secret."""
    may_refuse = list(checked)
    subjects = sorted({*may_refuse, *also_counted}, key=lambda subject: subject.name)
    # All transactions lock rows in the same order.
    tries = {subject: _locked(session, vault, subject, at) for subject in subjects}
    waits = [until for subject in may_refuse if (until := subject.rule.refused_until(tries[subject])) is not None]
    if waits and max(waits) > at.timestamp():
        return Refusal(datetime.datetime.fromtimestamp(max(waits), datetime.UTC))
    for subject in subjects:
        _write(session, vault, subject, sorted([*tries[subject], at.timestamp()])[-subject.rule.stored :])
    return Attempt(tuple(subjects), at)


def succeeded(session: Session, vault: Vault, attempt: Attempt, *, clears: bool = True) -> None:
    """Take an attempt back because the secret was right; `clears` forgets the earlier failures of `own` subjects."""
    for subject in attempt.subjects:
        tries = _locked(session, vault, subject, attempt.at)
        if attempt.at.timestamp() in tries:
            tries.remove(attempt.at.timestamp())
        _write(session, vault, subject, [] if clears and subject.own else tries)


def refused_now(session: Session, vault: Vault, attempt: Attempt) -> list[Subject]:
    """Return the subjects that this failed attempt has locked or delayed."""
    digests = {vault.digest(subject.name): subject for subject in attempt.subjects}
    query = sa.select(SignInCounter.subject).where(
        SignInCounter.subject.in_(digests), SignInCounter.refused_until > attempt.at
    )
    return [digests[found] for found in session.scalars(query.order_by(SignInCounter.subject))]


def refused_until(session: Session, vault: Vault, identity: str, at: datetime.datetime) -> datetime.datetime | None:
    """Return when the last counter of this person accepts attempts again; None when all do."""
    return session.scalar(
        sa.select(sa.func.max(SignInCounter.refused_until)).where(
            SignInCounter.identity == vault.digest(identity), SignInCounter.refused_until > at
        )
    )


def lift(session: Session, vault: Vault, identity: str) -> None:
    """Forget the failures at the sign-in of a person, and close the alarm about them."""
    session.execute(sa.delete(SignInCounter).where(SignInCounter.identity == vault.digest(identity)))
    alarm_is_over(session, AlarmKind.SIGN_IN_LOCKED, identity)


def official_identity(code: str) -> str:
    """Return the identity of an official by staff code."""
    return f"official:{code}"


def account_identity(email: str) -> str:
    """Return the identity of an account by e-mail address, in any spelling."""
    return f"account:{email.lower()}"[:120]


def prune(session: Session, at: datetime.datetime) -> None:
    """Delete the counters without an attempt in the last day."""
    old = (
        sa.select(SignInCounter.subject)
        .where(SignInCounter.last_at < at - RETENTION)
        .order_by(SignInCounter.subject)
        .with_for_update(skip_locked=True)
    )
    gone = session.scalars(old).all()
    session.execute(sa.delete(SignInCounter).where(SignInCounter.subject.in_(gone)))


def _locked(session: Session, vault: Vault, subject: Subject, at: datetime.datetime) -> list[float]:
    """Return the attempts of the last day, with the row locked until the end of the transaction.

    The upsert locks the row and returns its committed state in one statement, also where the row is new and under
    PostgreSQL's READ COMMITTED. It is silent, so that an attack does not wake every listener.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    identity = vault.digest(subject.identity) if subject.identity else ""
    new = insert(_TABLE).values(subject=vault.digest(subject.name), identity=identity, tries=[], last_at=at)
    statement = new.on_conflict_do_update(index_elements=["subject"], set_={"identity": identity, "last_at": at})
    returning = statement.returning(_TABLE.c.tries)
    tries = session.execute(returning, execution_options=SILENTLY).scalar_one()
    return [one for one in tries if one > (at - RETENTION).timestamp()]


def _write(session: Session, vault: Vault, subject: Subject, tries: list[float]) -> None:
    row = _TABLE.c.subject == vault.digest(subject.name)
    until = subject.rule.refused_until(tries)
    values = {"tries": tries, "refused_until": until and datetime.datetime.fromtimestamp(until, datetime.UTC)}
    session.execute(sa.update(_TABLE).where(row).values(values), execution_options=SILENTLY)
