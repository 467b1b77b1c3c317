"""A district at night: many speakers in zones with quiet hours of their own, and broadcasts that they missed."""

import datetime

from sqlalchemy.orm import Session

from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery, Speaker, Zone
from haichieu.people import Level, Unit
from tests.builders.airings import sound

SPEAKERS, ZONES, MISSED = 2000, 60, 500
NIGHT = datetime.datetime(2026, 11, 24, 16, 0, tzinfo=datetime.UTC)
"""23:00 in Vietnam."""
MINUTE = datetime.timedelta(minutes=1)


def district(session: Session, quiet: int = ZONES) -> None:
    """Add a district in which many speakers missed a broadcast; the first zones have quiet hours at night."""
    top = Unit(code="D", name="D", level=Level.DISTRICT)
    session.add(top)
    session.flush()
    villages = [Unit(code=f"V{i}", name=f"V{i}", level=Level.VILLAGE, parent_id=top.id) for i in range(ZONES)]
    session.add_all(villages)
    session.flush()
    session.add_all(
        Zone(code=str(i), name=f"Z{i}", units=[one], quiet_hours="21:00-05:00" if i < quiet else "")
        for i, one in enumerate(villages)
    )
    speakers = [
        Speaker(code=f"s{i}", name=f"S{i}", unit_id=villages[i % ZONES].id, reachable=True) for i in range(SPEAKERS)
    ]
    session.add_all(speakers)
    session.flush()
    media_id = sound(session)
    for number in range(5):
        session.add(
            Broadcast(
                kind="recorded", title=f"B{number}", asked_by="schedule:1", zone_names="", state="ended",
                created_at=NIGHT, due_at=NIGHT, live_at=NIGHT, ended_at=NIGHT,
                worth_hearing_until=NIGHT + datetime.timedelta(hours=12),
                sounds=[BroadcastSound(position=0, media_id=media_id)],
                deliveries=[
                    Delivery(speaker_id=one.id, state="missed", active=False)
                    for one in speakers[number * MISSED // 5 : (number + 1) * MISSED // 5]
                ],
            )
        )  # fmt: skip
    session.flush()
