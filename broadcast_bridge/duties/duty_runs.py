"""Runs of a duty: those that are planned, those that are still needed, and the schedule that a user confirms.

Runs become an ordinary schedule with single dates. A speaker that is away in the morning hears the run when it returns
(catch-up), until the evening.
"""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.duties.duty_progress import DAY, Terms, slots, soonest_chain
from broadcast_bridge.duties.duty_proof import DutyProof
from broadcast_bridge.duties.errors import DutyRefused
from broadcast_bridge.duties.models import Duty, DutyVillage
from broadcast_bridge.duties.states import ACTIVE
from broadcast_bridge.models import Zone
from broadcast_bridge.schedule import editing
from broadcast_bridge.schedule.contents import playable
from broadcast_bridge.schedule.editing import Draft, Planner
from broadcast_bridge.schedule.materialise import recurrence_of
from broadcast_bridge.schedule.models import Schedule
from broadcast_bridge.schedule.recurrence import as_utc, iso
from broadcast_bridge.schedule.states import What, reason_message
from broadcast_bridge.speakers.quiet_hours import SilenceRules, silence_rules
from broadcast_bridge.speakers.zones import reach_of
from haichieu.locale import Message, message
from haichieu.station import the_station

REPAIR_TIMES = (datetime.time(11, 30), datetime.time(17, 30))
"""Times of a further run on a day whose planned runs were not heard."""
SOON = datetime.timedelta(minutes=10)
"""A run is planned at least so long ahead, so that the speakers can be prepared."""
JUST_BEGUN = datetime.timedelta(minutes=30)
"""A planned run counts as coming until so long after its start time, when its broadcast must exist."""
CATCH_UP_UNTIL = datetime.time(20, 0)
MOST_RUNS = 200


@dataclass(frozen=True)
class Proposal:
    """The local start times still needed, and the zones that need them; `obstacle` is why they cannot be planned.

    `in_time` is whether they would meet the duty by its deadline; `units` are the villages that need them.
    """

    runs: Sequence[datetime.datetime]
    zones: Sequence[Zone]
    in_time: bool
    units: Collection[int] = ()
    obstacle: Message | None = None


@dataclass
class Needed:
    """Start times with the units that need them; `stuck` when a village has no possible day left."""

    runs: dict[datetime.datetime, set[int]] = field(default_factory=dict)
    in_time: bool = True
    stuck: bool = False


@dataclass(frozen=True)
class Places:
    """Where a duty is heard: per zone its units with speakers, and per unit its speakers with their silence."""

    units_of_zone: Mapping[int, Collection[int]]
    speakers: Mapping[int, Collection[int]]
    silence: SilenceRules
    area: Collection[int] = ()
    """The units of the zones with those below them, also without a speaker."""

    def is_muted(self, unit_id: int, at: datetime.datetime) -> bool:
        """Return whether no speaker of a unit may play a normal broadcast then."""
        speakers = self.speakers.get(unit_id, ())
        return bool(speakers) and all(self.silence.of(one, at) is not None for one in speakers)


def places_of(session: Session, zones: Collection[Zone]) -> Places:
    """Read the places of some zones, in a fixed number of queries."""
    reach = reach_of(session, [zone.id for zone in zones if zone.removed_at is None])
    unit_of = {speaker.id: speaker.unit_id for found in reach.values() for speaker in found.speakers}
    speakers: dict[int, set[int]] = {}
    for speaker_id, unit_id in unit_of.items():
        speakers.setdefault(unit_id, set()).add(speaker_id)
    units = {number: {speaker.unit_id for speaker in found.speakers} for number, found in reach.items()}
    area = set[int]().union(*(found.units for found in reach.values()))
    return Places(units, speakers, silence_rules(session, unit_of), area)


def terms_of(session: Session, duty: Duty) -> Terms:
    """Return what a duty asks of every village. Repeats count from when it was entered, or from its later start time.

    Nobody can repeat a warning in the hours before the station knew of it.
    """
    begins = datetime.datetime.combine(duty.decided_on, duty.wall_time)
    if duty.law.every_hours:
        begins = max(begins, local_time(session, duty.created_at).replace(second=0, microsecond=0))
    return Terms(duty.law, begins, duty.deadline, duty.event_on)


def local_time(session: Session, at: datetime.datetime) -> datetime.datetime:
    """Return a moment as the station's clock shows it."""
    return at.astimezone(ZoneInfo(the_station(session).timezone)).replace(tzinfo=None)


def planned_runs(
    session: Session, duty: Duty, places: Places, here: datetime.datetime
) -> dict[datetime.datetime, set[int]]:
    """Return the local start times that its schedules still have, each with the units that will hear it."""
    zone = ZoneInfo(the_station(session).timezone)
    since = as_utc(here - JUST_BEGUN, zone)
    found: dict[datetime.datetime, set[int]] = {}
    for one in duty.schedules:
        if one.removed_at is None and one.enabled:
            units = set[int]().union(*(places.units_of_zone.get(each.id, ()) for each in one.zones))
            for moment in recurrence_of(one).between(since, since + 400 * DAY):
                found.setdefault(moment.at.astimezone(zone).replace(tzinfo=None), set()).update(units)
    return found


def proposal(
    session: Session, duty: Duty, proof: DutyProof, at: datetime.datetime, places: Places | None = None
) -> Proposal | None:
    """Return the runs that are needed beside those planned; None if there are none, or the duty is settled."""
    if duty.state not in ACTIVE:
        return None
    places = places or places_of(session, duty.zones)
    here = local_time(session, at)
    planned = planned_runs(session, duty, places, here)
    waiting = [one for one in duty.villages if one.state in ACTIVE]
    if duty.law.every_hours:
        found = _slots_needed(session, duty, proof, planned, waiting, here)
    else:
        found = _days_needed(session, duty, proof, planned, waiting, places, here)
    if found.stuck:
        return Proposal((), duty.zones, in_time=False, obstacle=message("duty.obstacle.no_day"))
    if not found.runs:
        return None
    runs = sorted(found.runs)[:MOST_RUNS]
    units = set[int]().union(*found.runs.values())
    zones = [zone for zone in duty.zones if units & set(places.units_of_zone.get(zone.id, ()))]
    return Proposal(runs, zones, found.in_time, units, _obstacle(session, duty, runs))


def plan_runs(session: Session, duty: Duty, wanted: Proposal, planner: Planner, at: datetime.datetime) -> Schedule:
    """Add the schedule of a proposal. Raises DutyRefused, ScheduleRefused or PlanningNotAllowed."""
    if wanted.obstacle is not None:
        raise DutyRefused("duty.not_planned", because=wanted.obstacle)
    first = wanted.runs[0]
    repeated = duty.law.every_hours
    if repeated:
        catch_up = max(repeated * 60 - 10, 0)
    else:
        until = datetime.datetime.combine(first.date(), CATCH_UP_UNTIL)
        catch_up = max(int((until - first).total_seconds()) // 60, 0)
    draft = Draft(
        title=duty.title, unit_id=duty.unit_id, zone_ids=tuple(zone.id for zone in wanted.zones), what=What.PROGRAMME,
        programme_id=duty.programme_id, starts=first, rdates=tuple(iso(run) for run in wanted.runs[1:]),
        priority=Priority.EMERGENCY if repeated else Priority.NORMAL, catch_up_minutes=catch_up,
    )  # fmt: skip
    made = editing.plan(session, draft, planner, at)
    duty.schedules.append(made)
    session.flush()
    return made


def _days_needed(
    session: Session,
    duty: Duty,
    proof: DutyProof,
    planned: Mapping[datetime.datetime, Collection[int]],
    waiting: Collection[DutyVillage],
    places: Places,
    here: datetime.datetime,
) -> Needed:
    """Return the start times of the days that the villages need beside those planned."""
    terms, zone, today = terms_of(session, duty), ZoneInfo(the_station(session).timezone), here.date()
    found = Needed()
    for village in waiting:
        heard = {run.at.date() for run in proof.heard.get(village.unit_id, ())}
        coming = {run.date() for run, units in planned.items() if village.unit_id in units}
        coming |= {run.date() for run in proof.under_way}
        possible = today in heard | coming or _time_on(duty, today, here) is not None

        def muted(day: datetime.date, unit_id: int = village.unit_id) -> bool:
            return places.is_muted(unit_id, as_utc(_run_on(duty, day, here), zone))

        chain = soonest_chain(terms, heard, today if possible else today + DAY, muted)
        if chain is None:
            found.stuck = True
            continue
        found.in_time = found.in_time and chain.begins <= duty.deadline
        for day in chain.missing:
            if day not in coming:
                found.runs.setdefault(_run_on(duty, day, here), set()).add(village.unit_id)
    return found


def _slots_needed(
    session: Session,
    duty: Duty,
    proof: DutyProof,
    planned: Mapping[datetime.datetime, Collection[int]],
    waiting: Collection[DutyVillage],
    here: datetime.datetime,
) -> Needed:
    """Return a start time in each slot to come that a village neither heard nor will hear."""
    found = Needed()
    for begin, end in slots(terms_of(session, duty)):
        start = max(begin, (here + SOON).replace(second=0, microsecond=0))
        if start >= end:
            continue
        for village in waiting:
            heard = any(begin <= run.at < end for run in proof.heard.get(village.unit_id, ()))
            coming = any(begin <= run < end and village.unit_id in units for run, units in planned.items())
            coming = coming or any(begin <= run < end for run in proof.under_way)
            if not heard and not coming:
                found.runs.setdefault(start, set()).add(village.unit_id)
    return found


def _time_on(duty: Duty, day: datetime.date, here: datetime.datetime) -> datetime.datetime | None:
    """Return when a run on a day can begin: its usual time, today the next later one; None when the day is over."""
    times = [datetime.datetime.combine(day, one) for one in (duty.wall_time, *REPAIR_TIMES)]
    return next((time for time in times if time >= here + SOON), None)


def _run_on(duty: Duty, day: datetime.date, here: datetime.datetime) -> datetime.datetime:
    return _time_on(duty, day, here) or datetime.datetime.combine(day, duty.wall_time)


def _obstacle(session: Session, duty: Duty, runs: Sequence[datetime.datetime]) -> Message | None:
    programme = duty.programme
    if programme is None:
        return message("duty.obstacle.no_programme")
    last = as_utc(runs[-1], ZoneInfo(the_station(session).timezone))
    refused = playable([programme], last).obstacle
    if refused is not None:
        return message("duty.obstacle.refused", title=programme.title, because=reason_message(refused))
    return None
