"""Recorded broadcasts in the rows alone: asked for, begun, on air and over, at the times that a test chooses."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import broadcast_lifecycle, starting
from broadcast_bridge.broadcasts.broadcast_lifecycle import DeliveryUpdate, apply_updates
from broadcast_bridge.broadcasts.starting import Request, Taken
from broadcast_bridge.broadcasts.states import BroadcastEvent, DeliveryEvent
from broadcast_bridge.models import Broadcast
from haichieu.media import Media
from tests.builders.places import Commune, commune

NOW = datetime.datetime(2026, 11, 24, 5, 30, tzinfo=datetime.UTC)
NODE = "main"


def later(seconds: float) -> datetime.datetime:
    return NOW + datetime.timedelta(seconds=seconds)


def sound(session: Session) -> int:
    media = session.scalar(sa.select(Media)) or Media(sha256="0" * 64, bytes=1, seconds=60.0)
    session.add(media)
    session.flush()
    return media.id


def asked(session: Session, place: Commune, **more: object) -> Broadcast:
    wanted = {"asked_by": "schedule:1", "title": "Bản tin sáng", "zone_codes": [place.zone.code], **more}
    return starting.ask(session, Request(sound_ids=[sound(session)], **wanted), NOW)  # type: ignore[arg-type]


def begun(session: Session, place: Commune, at: datetime.datetime = NOW, **more: object) -> tuple[Broadcast, Taken]:
    broadcast = asked(session, place, **more)
    taken = starting.begin(session, broadcast.id, NODE, at)
    assert taken is not None
    return broadcast, taken


def on_air(session: Session, broadcast: Broadcast, at: datetime.datetime = NOW) -> None:
    broadcast_lifecycle.advance(session, broadcast.id, BroadcastEvent.OPEN, at)
    broadcast_lifecycle.voice_is_on(session, broadcast.id, at)
    apply_updates(
        session,
        [
            DeliveryUpdate(one.id, (DeliveryEvent.RING, DeliveryEvent.PLAY), attempts=1, first_audio_at=at)
            for one in broadcast.deliveries
            if one.active and one.speaker.reachable
        ],
    )
    session.flush()


def heard(session: Session, broadcast: Broadcast, at: datetime.datetime) -> None:
    """Report that the speakers on the bridge have heard everything since they joined."""
    apply_updates(
        session,
        [
            DeliveryUpdate(one.id, first_audio_at=one.first_audio_at, seconds=(at - one.first_audio_at).total_seconds())
            for one in broadcast.deliveries
            if one.active and one.state == "playing" and one.first_audio_at
        ],
    )


def ended(session: Session, broadcast: Broadcast, at: datetime.datetime = NOW) -> None:
    heard(session, broadcast, at)
    broadcast_lifecycle.finish(session, broadcast.id, BroadcastEvent.END, at)
    session.flush()


def states(broadcast: Broadcast) -> list[tuple[str, str | None]]:
    return [(delivery.state, delivery.reason) for delivery in broadcast.deliveries]


def owed_after_absence(session: Session, **more: object) -> tuple[Commune, Broadcast]:
    place = commune(session, speakers=2, reachable=1)
    broadcast, _ = begun(session, place, worth_hearing_until=later(3600), **more)
    on_air(session, broadcast)
    ended(session, broadcast, later(60))
    return place, broadcast
