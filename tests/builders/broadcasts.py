"""Broadcasts that ended, with their deliveries, and the other rows that the log and the reports show."""

import datetime

from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.broadcast_lifecycle import advance
from broadcast_bridge.broadcasts.starting import Request, ask, begin
from broadcast_bridge.broadcasts.states import BroadcastEvent, BroadcastState, Kind, Priority, Reason
from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery, Reachability, Speaker
from broadcast_bridge.programmes import survey
from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.states import Channel, Direction
from haichieu.database import now
from tests.builders.days import VIETNAM
from tests.builders.house import House
from tests.builders.programmes import approved
from tests.builders.sounds import sound_row

HOUR = datetime.timedelta(hours=1)


def aired(
    session: Session, speakers: dict[str, str], title: str = "Bản tin sáng", zone: str = "12", **more: object
) -> Broadcast:
    """Add a broadcast of today, in Vietnam, that is over; `speakers` gives each one's delivery state."""
    at = now()
    began = max(at - HOUR, at.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0))
    made = Broadcast(
        title=title, asked_by="account:editor@x.example", zone_names=f"Khu {zone}", zone_codes=[zone],
        created_at=began, on_air_at=began, ended_at=at,
        **{"kind": Kind.RECORDED, "state": BroadcastState.ENDED, **more},
    )  # fmt: skip
    for code, state in speakers.items():
        played = state == "played"
        made.deliveries.append(
            Delivery(
                speaker=session.query(Speaker).filter_by(code=code).one(), state=state, active=False,
                first_audio_at=began if played else None, seconds=1234.5 if played else 0.0,
                packets_sent=1000, packets_lost=25 if played else None, jitter_ms=7.25 if played else None,
                reason=None if played else Reason.NOT_REGISTERED, ended_at=at,
            )
        )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def something_of_everything(session: Session, units: dict[str, int]) -> Broadcast:
    """Fill the log and every report; returns a broadcast with proof."""
    media = sound_row(session)
    bulletin = approved(session, media, units["commune"])
    made = aired(session, {"loa-commune": "played", "loa-village": "missed"}, "Nông vụ tháng Mười một")
    made.sounds = [BroadcastSound(position=0, media_id=media.id)]
    for code in ("loa-commune", "loa-village"):
        speaker = session.query(Speaker).filter_by(code=code).one()
        session.add(Reachability(speaker=speaker, reachable=code == "loa-commune", since=now() - HOUR))
    first = Said(Direction.IN, Channel.TEXT, "citizen", "Cầu hỏng")
    open_case(session, Opening(Channel.TEXT, units["village"], "number"), first, now())
    survey.vote(session, bulletin.id, units["commune"], None, now(), useful=True)
    session.flush()
    return made


def on_air(house: House, zone: str, title: str, priority: Priority = Priority.NORMAL) -> int:
    """Begin a broadcast to a zone, and return its id."""
    with house.database.session() as session:
        number = ask(session, Request("test", title, [], zone_codes=[zone], priority=priority), now()).id
        begin(session, number, "main", now())
        advance(session, number, BroadcastEvent.OPEN, now())
    return number
