"""Zones: choice by an official, permission, and their speakers."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Speaker, Zone, official_zones, zone_speakers, zone_units
from haichieu.errors import HaiChieuError
from haichieu.people import Official, Unit, units_under
from haichieu.units.tree import Tree

ALL_MY_ZONES = "*"


class ZoneRefused(HaiChieuError):
    """The zone cannot be used by this official."""


class UnknownZone(ZoneRefused):
    """No zone has this code."""


class ZoneNotAllowed(ZoneRefused):
    """The official has no right to speak in this zone."""


@dataclass(frozen=True)
class ZoneChoice:
    """The choice of an official: one zone or all of theirs, with the speakers as they are now."""

    keys: str
    name: str
    speakers: tuple[Speaker, ...]
    codes: tuple[str, ...]
    """The codes of the zones that it consists of."""

    @property
    def total(self) -> int:
        return len(self.speakers)

    @property
    def reachable(self) -> int:
        """The number of speakers that are reachable now."""
        return sum(speaker.counts_as_reachable for speaker in self.speakers)


def find_zone(session: Session, official: Official, keys: str) -> ZoneChoice:
    """Return the zone with the keyed code; `*` means every zone of the official.

    Several codes are joined by commas, which no key produces. Raises UnknownZone or ZoneNotAllowed.
    """
    if keys == ALL_MY_ZONES:
        zones = list(
            session.scalars(
                sa.select(Zone)
                .join(official_zones)
                .where(official_zones.c.official_id == official.id, Zone.removed_at.is_(None))
                .order_by(Zone.code)
            )
        )
        if not zones:
            raise ZoneNotAllowed("zone.none_of_own", name=official.name)
    else:
        zones = [_allowed_zone(session, official, code) for code in keys.split(",")]
    speakers = speakers_in(session, (zone.id for zone in zones))
    names, codes = ", ".join(zone.name for zone in zones), tuple(zone.code for zone in zones)
    return ZoneChoice(keys, names, tuple(speakers), codes)


def _allowed_zone(session: Session, official: Official, code: str) -> Zone:
    zone = session.scalar(sa.select(Zone).where(Zone.code == code, Zone.removed_at.is_(None)))
    if zone is None:
        raise UnknownZone("zone.unknown", codes=(code,))
    if official not in zone.officials:
        raise ZoneNotAllowed("zone.not_allowed", name=official.name, zone=zone.name)
    return zone


class ReachedSpeaker(NamedTuple):
    """A speaker of a zone, as far as lists of zones need it: far cheaper to read than the whole row."""

    id: int
    code: str
    unit_id: int
    counts_as_reachable: bool


@dataclass(frozen=True)
class Reach:
    """The units of a zone with those below them, and its speakers by code."""

    units: set[int]
    speakers: list[ReachedSpeaker]


def speakers_in(session: Session, zone_ids: Iterable[int]) -> list[Speaker]:
    """Return the speakers of the zones, each once: single ones, and those of their units and sub-units."""
    zones = list(zone_ids)
    units = units_under(
        session, session.scalars(sa.select(zone_units.c.unit_id).where(zone_units.c.zone_id.in_(zones)))
    )
    named = sa.select(zone_speakers.c.speaker_id).where(zone_speakers.c.zone_id.in_(zones))
    return list(
        session.scalars(
            sa.select(Speaker)
            .where(Speaker.removed_at.is_(None), Speaker.unit_id.in_(units) | Speaker.id.in_(named))
            .order_by(Speaker.code)
        )
    )


def reach_of(session: Session, zone_ids: Collection[int]) -> dict[int, Reach]:
    """Return the reach of each of many zones, given and returned by their ids, in a fixed number of queries."""
    if not zone_ids:
        return {}
    below: dict[int, list[int]] = defaultdict(list)
    for number, parent in session.execute(sa.select(Unit.id, Unit.parent_id)):
        if parent is not None:
            below[parent].append(number)
    reachable = sa.or_(Speaker.reachable, Speaker.multicast != "")
    rows = session.execute(
        sa.select(Speaker.id, Speaker.code, Speaker.unit_id, reachable).where(Speaker.removed_at.is_(None))
    )
    speakers = {number: ReachedSpeaker(number, code, unit, bool(here)) for number, code, unit, here in rows}
    in_unit: dict[int, list[ReachedSpeaker]] = defaultdict(list)
    for speaker in speakers.values():
        in_unit[speaker.unit_id].append(speaker)
    named_units = _named(session, zone_units, zone_ids)
    named_speakers = _named(session, zone_speakers, zone_ids)
    found = {}
    for zone_id in zone_ids:
        units: set[int] = set()
        waiting = list(named_units[zone_id])
        while waiting:
            number = waiting.pop()
            if number not in units:
                units.add(number)
                waiting += below[number]
        heard = {speaker for number in units for speaker in in_unit[number]}
        heard |= {speakers[number] for number in named_speakers[zone_id] if number in speakers}
        found[zone_id] = Reach(units, sorted(heard, key=lambda speaker: speaker.code))
    return found


def _named(session: Session, table: sa.Table, zone_ids: Collection[int]) -> Mapping[int, Sequence[int]]:
    """Return the units, or the speakers, that each of these zones names."""
    found: dict[int, list[int]] = defaultdict(list)
    for zone_id, number in session.execute(sa.select(table).where(table.c.zone_id.in_(zone_ids))):
        found[zone_id].append(number)
    return found


def zones_coded(session: Session, codes: Collection[str]) -> list[Zone]:
    """Return the zones with these codes, each once, in their order. Raises UnknownZone."""
    found = {
        zone.code: zone
        for zone in session.scalars(sa.select(Zone).where(Zone.code.in_(codes), Zone.removed_at.is_(None)))
    }
    if missing := sorted(set(codes) - found.keys()):
        raise UnknownZone("zone.unknown", codes=tuple(missing))
    return [found[code] for code in dict.fromkeys(codes)]


def units_heard(session: Session, codes: Collection[str]) -> set[int]:
    """Return the units with a speaker in these zones. Raises UnknownZone."""
    zones = zones_coded(session, codes)
    return {speaker.unit_id for speaker in speakers_in(session, [zone.id for zone in zones])}


def unit_of_zones(session: Session, codes: Collection[str]) -> int | None:
    """Return the lowest unit that contains every speaker of these zones, None without one."""
    zones = session.scalars(sa.select(Zone.id).where(Zone.code.in_(codes))).all()
    heard = {speaker.unit_id for speaker in speakers_in(session, zones)}
    if not heard:
        return None
    tree = Tree(session)
    first, *others = ([unit, *tree.above(unit)] for unit in sorted(heard))
    return next((unit for unit in first if all(unit in chain for chain in others)), None)


def zones_of_speaker(session: Session, speaker: Speaker) -> list[Zone]:
    """Return the zones that contain a speaker: those that name it, and those of its unit and the units above."""
    zones = {zone.id: zone for zone in session.scalars(sa.select(Zone).where(Zone.removed_at.is_(None)))}
    found = zones_by_speaker(session, {speaker.id: speaker.unit_id}, zones)[speaker.id]
    return sorted((zones[number] for number in found), key=lambda zone: zone.code)


def zones_by_speaker(
    session: Session, unit_of: Mapping[int, int], zone_ids: Collection[int]
) -> Mapping[int, Collection[int]]:
    """Return which of the zones contain each speaker, given the unit of each, in a fixed number of queries."""
    if not unit_of or not zone_ids:
        return {speaker_id: () for speaker_id in unit_of}
    over: dict[int, set[int]] = defaultdict(set)
    for zone_id, unit_id in session.execute(sa.select(zone_units).where(zone_units.c.zone_id.in_(zone_ids))):
        over[unit_id].add(zone_id)
    parents: dict[int, int | None] = dict(session.execute(sa.select(Unit.id, Unit.parent_id)).all())
    of_unit = {
        unit_id: set[int]().union(*(over[one] for one in above(parents, unit_id) if one in over))
        for unit_id in set(unit_of.values())
    }
    found = {speaker_id: set(of_unit[unit_id]) for speaker_id, unit_id in unit_of.items()}
    for zone_id, speaker_id in session.execute(sa.select(zone_speakers).where(zone_speakers.c.zone_id.in_(zone_ids))):
        if speaker_id in found:
            found[speaker_id].add(zone_id)
    return found


def above(parents: Mapping[int, int | None], unit_id: int) -> list[int]:
    """Return a unit and those above it, given the parent of each unit."""
    chain: list[int] = []
    one: int | None = unit_id
    while one is not None and one not in chain:
        chain.append(one)
        one = parents.get(one)
    return chain
