"""References of broadcasting to units, and the zones and history of units that are merged, split or moved."""

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from broadcast_bridge.alerts.models import UnitGeocode
from broadcast_bridge.broadcasts.states import BroadcastState
from broadcast_bridge.duties.models import Duty, DutyVillage
from broadcast_bridge.duties.states import ACTIVE
from broadcast_bridge.models import (
    Broadcast,
    Delivery,
    FormerSpeakerUnit,
    Speaker,
    Zone,
    official_zones,
    zone_speakers,
    zone_units,
)
from broadcast_bridge.programmes.models import Programme, ProgrammeInMaking
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.programmes.survey import SurveyAnswer
from broadcast_bridge.schedule.models import Schedule, schedule_zones
from broadcast_bridge.source_system.models import Bulletin, Source, SourcePlace
from broadcast_bridge.speakers.zones import above, reach_of
from broadcast_bridge.station_book.models import (
    BookAttendance,
    BookBudget,
    BookCourse,
    BookDevice,
    BookInspection,
    BookNeed,
    BookPlan,
    BookStation,
)
from haichieu.locale import Message, message
from haichieu.people import Account, Level, Official, Unit, units_under
from haichieu.unit_names import unit_names
from haichieu.units.journal import Journal
from haichieu.units.references import Given, Reach, Reaches, Reference, column_of, table_of

REFERENCES = (
    Reference(
        column_of(Speaker.unit_id), "speakers", shown=column_of(Speaker.name), code=column_of(Speaker.code),
        given=Given.MUST, live=Speaker.removed_at.is_(None),
    ),
    Reference(zone_units.c.unit_id, "zones", by_carrier=True),
    Reference(column_of(FormerSpeakerUnit.unit_id), "former_speakers", follows=False),
    Reference(column_of(FormerSpeakerUnit.commune_id), "former_speakers", follows=False),
    Reference(
        column_of(Programme.unit_id), "programmes", live=Programme.state != ProgrammeState.WITHDRAWN,
        shown=column_of(Programme.title),
    ),
    Reference(column_of(ProgrammeInMaking.unit_id), "programmes_in_making", live=ProgrammeInMaking.done_at.is_(None)),
    Reference(column_of(Schedule.unit_id), "schedules", shown=column_of(Schedule.title)),
    Reference(
        column_of(Duty.unit_id), "duties", live=Duty.state.in_(ACTIVE), shown=column_of(Duty.title),
    ),
    Reference(column_of(DutyVillage.unit_id), "duty_villages", follows=False),  # matched again while a duty is open
    *(
        Reference(column_of(model.unit_id), what, shown=None if code is None else column_of(code))
        for what, model, code in (
            ("book_stations", BookStation, BookStation.name),
            ("book_devices", BookDevice, BookDevice.name),
            ("book_inspections", BookInspection, None),
            ("book_plans", BookPlan, None),
            ("book_needs", BookNeed, None),
            ("book_courses", BookCourse, BookCourse.name),
            ("book_attendance", BookAttendance, None),
            ("book_budget", BookBudget, None),
        )
    ),
    Reference(column_of(SurveyAnswer.unit_id), "survey_answers", follows=False),
    Reference(column_of(Source.unit_id), "sources", shown=column_of(Source.name)),
    Reference(column_of(SourcePlace.unit_id), "source_places", shown=column_of(SourcePlace.external_id)),
    Reference(column_of(Bulletin.unit_id), "bulletins", shown=column_of(Bulletin.title)),
    Reference(
        column_of(UnitGeocode.unit_id), "geocodes", shown=column_of(UnitGeocode.value),
        unless_alike=("scheme", "value"),
    ),
)  # fmt: skip
"""What stays under the old name is the history: answers of surveys, withdrawn programmes, what was played until now."""


class ZonesAndHistory:
    """Keeps the reach of every zone that names a changed unit, and the unit under which its broadcasts are counted."""

    def merging(
        self, session: Session, journal: Journal, unit: Unit, into: Unit, below: Sequence[int], at: datetime.datetime
    ) -> None:
        """Name the unit's speakers and the units below it in its zones; a zone that has the other unit needs neither.

        A zone, and the officials who may speak in it, so reach what they reached before. Zones of the other unit reach
        the new speakers too.
        """
        parents: dict[int, int | None] = dict(session.execute(sa.select(Unit.id, Unit.parent_id)).all())
        over = set(above(parents, into.id)) - {unit.id}
        in_use = Speaker.removed_at.is_(None)
        speakers = session.scalars(sa.select(Speaker.id).where(Speaker.unit_id == unit.id, in_use)).all()
        for zone_id, units, named in _zones_with(session, unit.id):
            journal.remove(zone_units, zone_id=zone_id, unit_id=unit.id)
            if units & over:
                continue
            for number in sorted(set(below) - units):
                journal.add(zone_units, zone_id=zone_id, unit_id=number)
            for number in sorted(set(speakers) - named):
                journal.add(zone_speakers, zone_id=zone_id, speaker_id=number)
        _remember(session, journal, _with_same_commune(session, unit), (), at)

    def splitting(
        self,
        session: Session,
        journal: Journal,
        unit: Unit,
        parts: Collection[int],
        given: Collection[tuple[str, int]],
        at: datetime.datetime,
    ) -> None:
        """Add the new units to the zones of the old one."""
        for zone_id, _, _ in _zones_with(session, unit.id):
            for number in sorted(parts):
                journal.add(zone_units, zone_id=zone_id, unit_id=number)
        below = units_under(session, [number for name, number in given if name == "units.parent_id"])
        _remember(session, journal, below, [number for name, number in given if name == "speakers.unit_id"], at)

    def moving(self, session: Session, journal: Journal, unit: Unit, at: datetime.datetime) -> None:
        """Remember the commune of a village that moves."""
        if unit.level == Level.VILLAGE:
            _remember(session, journal, _with_same_commune(session, unit), (), at)


def _zones_with(session: Session, unit_id: int) -> list[tuple[int, set[int], set[int]]]:
    """Return the zones in use that name a unit, with the ids of their units and single speakers."""
    zones = session.scalars(
        sa.select(Zone)
        .join(zone_units)
        .where(zone_units.c.unit_id == unit_id, Zone.removed_at.is_(None))
        .options(selectinload(Zone.units), selectinload(Zone.speakers))
        .order_by(Zone.id)
    )
    return [(zone.id, {one.id for one in zone.units}, {one.id for one in zone.speakers}) for zone in zones]


def _with_same_commune(session: Session, unit: Unit) -> set[int]:
    """Return the unit and the villages below it that belong to the same commune."""
    names = unit_names(session)
    return {one for one in units_under(session, [unit.id]) if names[one].commune_id == names[unit.id].commune_id}


def _remember(
    session: Session, journal: Journal, units: Collection[int], speakers: Collection[int], at: datetime.datetime
) -> None:
    """Store the unit and commune that these speakers, and those of these units, had until now."""
    names, table = unit_names(session), table_of(FormerSpeakerUnit)
    of = session.execute(
        sa.select(Speaker.id, Speaker.unit_id)
        .where(Speaker.removed_at.is_(None), Speaker.unit_id.in_(units) | Speaker.id.in_(speakers))
        .order_by(Speaker.id)
    ).all()
    latest = sa.select(FormerSpeakerUnit.speaker_id, sa.func.max(FormerSpeakerUnit.until, type_=table.c.until.type))
    since = dict(session.execute(latest.group_by(FormerSpeakerUnit.speaker_id)).all())
    for number, unit_id in of:
        journal.add(
            table, speaker_id=number, unit_id=unit_id, commune_id=names[unit_id].commune_id, since=since.get(number),
            until=at,
        )  # fmt: skip


CARRIERS = (ZonesAndHistory(),)


def on_air_in(session: Session, unit_ids: Collection[int]) -> Iterator[Message]:
    """Yield the broadcasts that have speakers of these units at the moment."""
    found = session.execute(
        sa.select(Broadcast.id, Broadcast.title, Broadcast.zone_names)
        .join(Delivery, Delivery.broadcast_id == Broadcast.id)
        .join(Speaker, Speaker.id == Delivery.speaker_id)
        .where(
            Delivery.active,
            Speaker.unit_id.in_(unit_ids),
            Broadcast.state.in_([BroadcastState.CALLING, BroadcastState.ON_AIR]),
        )
        .distinct()
        .order_by(Broadcast.id)
    )
    for _, title, zones in found:
        yield message("unit_tree.on_air", title=title or zones)


OBSTACLES = (on_air_in,)


def reaches(session: Session) -> Reaches:
    """Return the speakers that each zone, official, account, schedule and pending broadcast reaches."""
    zones = session.scalars(
        sa.select(Zone)
        .where(Zone.removed_at.is_(None))
        .options(selectinload(Zone.units), selectinload(Zone.speakers))
        .execution_options(populate_existing=True)
    ).all()
    reach = reach_of(session, [zone.id for zone in zones])
    reached = {zone_id: frozenset(one.id for one in found.speakers) for zone_id, found in reach.items()}
    found = {("zone", zone.id): Reach(f"{zone.code} {zone.name}", reached[zone.id]) for zone in zones}
    officials = session.execute(sa.select(Official.id, Official.name)).all()
    schedules = session.execute(sa.select(Schedule.id, Schedule.title).where(Schedule.removed_at.is_(None))).all()
    found |= _through_zones(session, "official", dict(officials), official_zones, reached)
    found |= _through_zones(session, "schedule", dict(schedules), schedule_zones, reached)
    return found | _of_accounts(session) | _of_broadcasts(session, zones, reached)


def reaches_of_sources(session: Session) -> Reaches:
    """Return the speakers that bulletins of each source reach, and those for each of its area ids."""
    under = _speakers_under(session)
    sources = session.execute(
        sa.select(Source.id, Source.name, Source.unit_id).where(Source.removed_at.is_(None))
    ).all()
    found = {("source", one.id): Reach(one.name, frozenset(under[one.unit_id])) for one in sources}
    areas = session.execute(
        sa.select(SourcePlace.id, SourcePlace.external_id, SourcePlace.unit_id, SourcePlace.source_id).where(
            SourcePlace.unit_id.is_not(None)
        )
    )
    for one in areas:
        if ("source", one.source_id) in found:
            mine = found["source", one.source_id].speakers & under[one.unit_id]
            found["area", one.id] = Reach(one.external_id, frozenset(mine))
    return found


REACHES = (reaches, reaches_of_sources)


def _through_zones(
    session: Session, kind: str, names: Mapping[int, str], pairs: sa.Table, reached: Mapping[int, frozenset[int]]
) -> dict[tuple[str, int], Reach]:
    over: dict[int, set[int]] = defaultdict(set)
    for number, zone_id in session.execute(sa.select(pairs.primary_key.columns[0], pairs.c.zone_id)):
        over[number] |= reached.get(zone_id, frozenset())
    return {(kind, number): Reach(name, frozenset(over[number])) for number, name in names.items()}


def _of_accounts(session: Session) -> dict[tuple[str, int], Reach]:
    below = _speakers_under(session)
    return {
        ("account", number): Reach(email, frozenset(below[unit_id]))
        for number, email, unit_id in session.execute(sa.select(Account.id, Account.email, Account.unit_id))
    }


def _speakers_under(session: Session) -> Mapping[int, set[int]]:
    """Return the speakers of each unit and of all units below it; none for a unit that is not in it."""
    parents: dict[int, int | None] = dict(session.execute(sa.select(Unit.id, Unit.parent_id)).all())
    below: dict[int, set[int]] = defaultdict(set)
    for number, unit_id in session.execute(sa.select(Speaker.id, Speaker.unit_id).where(Speaker.removed_at.is_(None))):
        for one in above(parents, unit_id):
            below[one].add(number)
    return below


def _of_broadcasts(
    session: Session, zones: Sequence[Zone], reached: Mapping[int, frozenset[int]]
) -> dict[tuple[str, int], Reach]:
    """Broadcasts that wait for their time, or for their speakers, name zones."""
    by_code = {zone.code: reached[zone.id] for zone in zones}
    waiting = session.execute(
        sa.select(Broadcast.id, Broadcast.title, Broadcast.zone_codes)
        .where(Broadcast.state == BroadcastState.PLANNED)
        .order_by(Broadcast.id)
    )
    return {
        ("broadcast", number): Reach(title, frozenset().union(*(by_code.get(code, frozenset()) for code in codes)))
        for number, title, codes in waiting
    }
