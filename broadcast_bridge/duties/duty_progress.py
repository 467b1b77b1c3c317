"""Progress of a duty in one village, as rules over plain data: days heard, the state, and the days still needed.

A duty on consecutive days is met by a chain: days in a row on each of which the village heard it. A day without it
breaks the chain, and the next day begins another. It is met in time when the chain begins by the deadline. Repeats are
divided into slots of the rule's hours; each slot needs a run, and a slot that passed cannot be repaired.
"""

import datetime
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from broadcast_bridge.duties.duty_rules import DutyRule
from broadcast_bridge.duties.states import DutyState

DAY = datetime.timedelta(days=1)
LOOK_AHEAD = 30
"""Days within which a chain must find a beginning, for example in a zone that is muted."""


@dataclass(frozen=True)
class Terms:
    """What is asked of every village, in local time. `begins` is the first run that counts."""

    rule: DutyRule
    begins: datetime.datetime
    deadline: datetime.date
    event_on: datetime.date | None


@dataclass(frozen=True)
class Progress:
    """State in one village. `heard` are the days, of repeats the starts of slots; `met_on` the day it was met."""

    state: DutyState
    heard: tuple[str, ...] = ()
    met_on: datetime.date | None = None


def progress(terms: Terms, runs: Collection[datetime.datetime], here: datetime.datetime) -> Progress:
    """Return the progress after these runs, which the village heard; all times are local, `here` is now."""
    counted = sorted(run for run in runs if run >= _from(terms))
    if terms.rule.every_hours:
        return _repeats(terms, counted, here)
    days = sorted({run.date() for run in counted if terms.event_on is None or run.date() < terms.event_on})
    heard = tuple(day.isoformat() for day in days)
    chain = first_chain(days, terms.rule.days)
    if chain is not None:
        in_time = chain[0] <= terms.deadline
        return Progress(DutyState.MET if in_time else DutyState.MET_LATE, heard, chain[1])
    if terms.event_on is not None and here.date() >= terms.event_on and terms.rule.before_days:
        return Progress(DutyState.MISSED, heard)
    begun = chain_begun(days, here.date())
    return Progress(DutyState.OPEN if begun <= terms.deadline else DutyState.OVERDUE, heard)


def first_chain(days: Iterable[datetime.date], length: int) -> tuple[datetime.date, datetime.date] | None:
    """Return the first and the last day of the first `length` days in a row; None without any. `days` are sorted."""
    begun = last = None
    for day in days:
        if last is None or day != last + DAY:
            begun = day
        last = day
        if begun is not None and (day - begun).days + 1 >= length:
            return begun, day
    return None


def chain_begun(days: Collection[datetime.date], today: datetime.date) -> datetime.date:
    """Return the day on which the chain that can still grow began: that up to yesterday or today, else today."""
    day = today if today in days else today - DAY
    begun = today
    while day in days:
        begun, day = day, day - DAY
    return begun


def last_break(days: Collection[datetime.date], today: datetime.date) -> tuple[datetime.date, datetime.date] | None:
    """Return the day on which the last chain broke, and that from which days are counted again; None without one."""
    begun = chain_begun(days, today)
    earlier = [day for day in days if day < begun]
    return (max(earlier) + DAY, begun) if earlier else None


@dataclass(frozen=True)
class Chain:
    """The chain that can be completed soonest: its first day, and its days that were not heard yet."""

    begins: datetime.date
    missing: list[datetime.date]


def soonest_chain(
    terms: Terms,
    heard: Collection[datetime.date],
    first_possible: datetime.date,
    is_muted: Callable[[datetime.date], bool] = lambda day: False,
) -> Chain | None:
    """Return the chain that is complete soonest, with no new day before `first_possible`; None when none is left.

    A chain that would meet a day on which the village is muted begins after it.
    """
    begun = max(terms.begins.date(), first_possible)
    while begun - DAY in heard:
        begun -= DAY
    for _ in range(LOOK_AHEAD):
        chain = [begun + number * DAY for number in range(terms.rule.days)]
        missing = [day for day in chain if day not in heard]
        muted = [day for day in missing if is_muted(day)]
        if terms.rule.before_days and terms.event_on is not None and chain[-1] >= terms.event_on:
            return None
        if not muted:
            return Chain(begun, missing)
        begun = muted[-1] + DAY
    return None


def slots(terms: Terms) -> Iterator[tuple[datetime.datetime, datetime.datetime]]:
    """Yield the begin and the end of every slot of a duty that is repeated."""
    step = datetime.timedelta(hours=terms.rule.every_hours)
    begin = terms.begins
    while begin.date() <= (terms.event_on or terms.deadline):
        yield begin, begin + step
        begin += step


def _repeats(terms: Terms, runs: Collection[datetime.datetime], here: datetime.datetime) -> Progress:
    every = list(slots(terms))
    if not every:  # it was entered after its last day
        return Progress(DutyState.MISSED)
    heard = [begin for begin, end in every if any(begin <= run < end for run in runs)]
    passed = [begin for begin, end in every if end <= here and begin not in heard]
    stamps = tuple(begin.isoformat(timespec="minutes") for begin in heard)
    if len(heard) == len(every):
        return Progress(DutyState.MET, stamps, every[-1][0].date())
    if every[-1][1] <= here:
        return Progress(DutyState.MISSED, stamps)
    return Progress(DutyState.OVERDUE if passed else DutyState.OPEN, stamps)


def _from(terms: Terms) -> datetime.datetime:
    """Return from when runs count: of repeats from the first hour, else from the day of the decision."""
    if terms.rule.every_hours:
        return terms.begins
    return datetime.datetime.combine(terms.begins.date(), datetime.time())
