"""Days without sound of a repair: as stated, else from supervision, else from the dates of the repair."""

import datetime
from collections import defaultdict
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Reachability
from broadcast_bridge.repairs.models import Repair
from broadcast_bridge.repairs.states import Fault

DAY = datetime.timedelta(days=1)


def days_lost(session: Session, repairs: Sequence[Repair], at: datetime.datetime) -> Mapping[int, float | None]:
    """Return the days without sound of repairs, by id; None where the speaker could be heard all the time.

    A speaker that was only absent lost the time in which supervision could not reach it; one that was reported silent
    lost all the time until it was repaired. The reports of the repairs are to be loaded.
    """
    absent = [one for one in repairs if one.days_lost_stated is None and _faults(one) >= {Fault.AWAY}]
    absent = [one for one in absent if Fault.SILENT not in _faults(one)]
    periods: dict[int, list[Reachability]] = defaultdict(list)
    if absent:
        query = sa.select(Reachability).where(
            Reachability.speaker_id.in_({one.speaker_id for one in absent}),
            ~Reachability.reachable,
            sa.or_(Reachability.until.is_(None), Reachability.until > min(one.broken_since for one in absent)),
        )
        for period in session.scalars(query):
            periods[period.speaker_id].append(period)
    return {
        one.id: _absence(one, periods[one.speaker_id], at) if one in absent else _stated_or_dated(one, at)
        for one in repairs
    }


def _faults(repair: Repair) -> set[Fault]:
    return {Fault(one.fault) for one in repair.reports}


def _stated_or_dated(repair: Repair, at: datetime.datetime) -> float | None:
    if repair.days_lost_stated is not None:
        return float(repair.days_lost_stated)
    if Fault.SILENT not in _faults(repair):
        return None
    return ((repair.closed_at or at) - repair.broken_since) / DAY


def _absence(repair: Repair, periods: Sequence[Reachability], at: datetime.datetime) -> float:
    begins, ends = repair.broken_since, repair.closed_at or at
    lost = [min(one.until or ends, ends) - max(one.since, begins) for one in periods]
    return sum((one for one in lost if one > datetime.timedelta()), datetime.timedelta()) / DAY
