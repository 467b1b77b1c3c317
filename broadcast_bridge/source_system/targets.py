"""The speakers that a source means by its ids of devices and areas. It reaches those of its own unit, and no others."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Speaker
from broadcast_bridge.source_system.models import Source
from broadcast_bridge.speakers.zones import above
from haichieu.locale import Message, message
from haichieu.people import Unit, units_under


@dataclass(frozen=True)
class Target:
    """The speakers, the unit that they belong to, and the ids that are unknown or name others' places."""

    speakers: Sequence[Speaker]
    unit_id: int
    unknown: Sequence[str] = ()
    outside: Sequence[str] = ()

    @property
    def remark(self) -> Message | None:
        """What the source should know of its ids, None when all of them are right."""
        if self.outside:
            return message("source.outside", ids=tuple(self.outside))
        if self.unknown:
            return message("source.unknown_places", ids=tuple(self.unknown))
        return None

    @property
    def nowhere(self) -> Message | None:
        """Why nothing can be done, None when there is a speaker."""
        if self.speakers:
            return None
        if self.outside:
            return message("source.outside", ids=tuple(self.outside))
        return message("source.nowhere", ids=tuple(self.unknown) or ("-",))


def target_of(session: Session, source: Source, devices: Sequence[str], areas: Sequence[str]) -> Target:
    """Return the speakers of these devices, else those in these areas, else all of the source's unit."""
    units = {place.external_id: place.unit_id for place in source.places if place.unit_id is not None}
    speakers = {place.external_id: place.speaker_id for place in source.places if place.speaker_id is not None}
    own = units_under(session, [source.unit_id])
    named = [speakers[one] for one in devices if one in speakers]
    inside: Collection[int] = ()
    outside = [one for one in areas if one in units and units[one] not in own]
    if not devices:
        wanted = [units[one] for one in areas if one in units] if areas else [source.unit_id]
        inside = units_under(session, wanted) if wanted else ()
    found = session.scalars(
        sa.select(Speaker)
        .where(Speaker.removed_at.is_(None), Speaker.id.in_(named) | Speaker.unit_id.in_(inside))
        .order_by(Speaker.code)
    ).all()
    foreign = {speaker.id for speaker in found if speaker.unit_id not in own}
    outside += [one for one in devices if speakers.get(one) in foreign]
    unknown = [one for one in devices if one not in speakers] + [one for one in areas if one not in units]
    allowed = [speaker for speaker in found if speaker.id not in foreign]
    return Target(
        allowed, _unit_of(session, source, allowed), list(dict.fromkeys(unknown)), list(dict.fromkeys(outside))
    )


def _unit_of(session: Session, source: Source, speakers: Sequence[Speaker]) -> int:
    """Return the lowest unit that has all the speakers, or the unit of the source where there is none below it."""
    parents: dict[int, int | None] = dict(session.execute(sa.select(Unit.id, Unit.parent_id)).all())
    chains = [above(parents, unit_id) for unit_id in {speaker.unit_id for speaker in speakers}]
    shared = [one for one in chains[0] if all(one in chain for chain in chains)] if chains else []
    return next((one for one in shared if source.unit_id in above(parents, one)), source.unit_id)
