"""Bulletins that a commune can hear again by telephone: approved programmes aired there or meant for it."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from broadcast_bridge.broadcasts.states import DeliveryState
from broadcast_bridge.models import BroadcastSound, Delivery, Speaker, Zone, zone_units
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.speakers.zones import zones_by_speaker
from haichieu.people import Unit, units_under

MOST = 10
KEPT_FOR = datetime.timedelta(days=60)
"""Older programmes are no longer news."""
LOOKED_AT = 300

_HEARD = (DeliveryState.PLAYING, DeliveryState.PLAYED, DeliveryState.CAUGHT_UP)


def latest_bulletins(session: Session, unit_id: int, at: datetime.datetime) -> Sequence[Programme]:
    """Return the newest programmes for a unit, newest first: those its speakers played, and those approved for it.

    A programme is for the zones that its author named, or else for its author's unit and those below.
    """
    newest = sa.func.coalesce(Programme.last_aired_at, Programme.updated_at)
    candidates = session.scalars(
        sa.select(Programme)
        .options(joinedload(Programme.sound))
        .where(
            Programme.state == ProgrammeState.APPROVED,
            Programme.sound_id.is_not(None),
            Programme.valid_until.is_(None) | (Programme.valid_until > at),
            newest > at - KEPT_FOR,
        )
        .order_by(newest.desc(), Programme.id.desc())
        .limit(LOOKED_AT)
    ).all()
    here = units_under(session, [unit_id])
    aired = _sounds_played(session, here, [programme.sound_id for programme in candidates])
    above = _unit_and_above(session, unit_id)
    zones = _zones_of(session, here)
    return [
        programme
        for programme in candidates
        if programme.sound_id in aired
        or (zones & set(programme.zone_codes) if programme.zone_codes else programme.unit_id in above | here)
    ][:MOST]


def _sounds_played(session: Session, units: set[int], sounds: Sequence[int | None]) -> set[int]:
    """Return those of the sounds that a speaker of the units has played."""
    return set(
        session.scalars(
            sa.select(BroadcastSound.media_id)
            .join(Delivery, Delivery.broadcast_id == BroadcastSound.broadcast_id)
            .join(Speaker, Speaker.id == Delivery.speaker_id)
            .where(BroadcastSound.media_id.in_(sounds), Speaker.unit_id.in_(units), Delivery.state.in_(_HEARD))
            .distinct()
        )
    )


def _unit_and_above(session: Session, unit_id: int) -> set[int]:
    chain: set[int] = set()
    here: int | None = unit_id
    while here is not None and here not in chain:
        chain.add(here)
        here = session.get_one(Unit, here).parent_id
    return chain


def _zones_of(session: Session, units: set[int]) -> set[str]:
    """Return the codes of the zones that contain one of the units or a speaker in them."""
    zones = dict(session.execute(sa.select(Zone.id, Zone.code).where(Zone.removed_at.is_(None))).all())
    speakers = session.execute(
        sa.select(Speaker.id, Speaker.unit_id).where(Speaker.removed_at.is_(None), Speaker.unit_id.in_(units))
    )
    found = set(session.scalars(sa.select(zone_units.c.zone_id).where(zone_units.c.unit_id.in_(units))))
    found.update(*zones_by_speaker(session, dict(speakers.all()), zones).values())
    return {code for zone_id, code in zones.items() if zone_id in found}
