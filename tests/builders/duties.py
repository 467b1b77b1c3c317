"""Publication duties: a commune with two villages, an approved programme, entries, and runs with their proof."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import BroadcastState, DeliveryState, Kind
from broadcast_bridge.duties.duty_register import DutyDraft, add_duty
from broadcast_bridge.duties.duty_watch import look_after_all
from broadcast_bridge.duties.models import Duty
from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery, Speaker, Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.editing import Planner
from haichieu.database import now
from haichieu.people import Level, Right, Unit
from tests.builders.house import House
from tests.builders.programmes import approved
from tests.builders.sounds import sound_row

HANOI = datetime.timezone(datetime.timedelta(hours=7))
DECIDED = datetime.date(2026, 11, 23)
"""A Monday; five working days later is Monday, 30 November."""


@dataclass
class Villages:
    """A commune with the villages Nà Tền and Phiêng Sáng, a speaker in each, and a zone over both."""

    commune: Unit
    first: Unit
    second: Unit
    zone: Zone
    programme: Programme
    planner: Planner


def at(text: str) -> datetime.datetime:
    """Return a moment of November 2026 or later, from local time such as `24 05:30` or `2027-02-06 05:30`."""
    text = text if len(text) > 9 else f"2026-11-{text}"
    return datetime.datetime.fromisoformat(text).replace(tzinfo=HANOI)


def villages(session: Session) -> Villages:
    """Add them."""
    commune = Unit(code="CB", name="Cô Ba", level=Level.COMMUNE)
    session.add(commune)
    session.flush()
    first, second = (
        Unit(code=code, name=name, level=Level.VILLAGE, parent_id=commune.id)
        for code, name in (("NT", "Nà Tền"), ("PS", "Phiêng Sáng"))
    )
    session.add_all([first, second])
    session.flush()
    for unit in (first, second):
        session.add(Speaker(code=f"loa-{unit.code.lower()}", name=f"Loa {unit.name}", unit_id=unit.id, reachable=True))
    zone = Zone(code="11", name="Toàn xã", units=[commune])
    session.add(zone)
    session.flush()
    units = frozenset({commune.id, first.id, second.id})
    planner = Planner("account:editor@x.example", frozenset({Right.SCHEDULE, Right.LIVE}), units)
    programme = approved(session, sound_row(session), commune.id, "Danh sách hộ nghèo")
    return Villages(commune, first, second, zone, programme, planner)


def duty(session: Session, place: Villages, moment: datetime.datetime, **more: object) -> Duty:
    """Add an entry, of the rule `publication` unless told otherwise."""
    values: dict[str, object] = {
        "title": "Danh sách hộ nghèo", "rule": "publication", "unit_id": place.commune.id,
        "zone_ids": [place.zone.id], "decided_on": DECIDED, "run_time": datetime.time(5, 30),
        "decision": "12/QĐ-UBND", "programme_id": place.programme.id, **more,
    }  # fmt: skip
    return add_duty(session, DutyDraft(**values), place.planner, moment)  # type: ignore[arg-type]


def run(session: Session, place: Villages, when: str, heard: Collection[Unit], **more: object) -> Broadcast:
    """Add a broadcast of the programme that is over; it was missed in the villages that are not in `heard`."""
    moment = at(when)
    made = Broadcast(
        title="Danh sách hộ nghèo", asked_by="schedule:1", zone_names=place.zone.name, zone_codes=[place.zone.code],
        created_at=moment, due_at=moment, on_air_at=moment, ended_at=moment, state=BroadcastState.ENDED,
        **{"kind": Kind.RECORDED, **more},
    )  # fmt: skip
    made.sounds = [BroadcastSound(position=0, media_id=place.programme.sound_id or 0, programme_id=place.programme.id)]
    for speaker in session.query(Speaker).order_by(Speaker.id):
        played = speaker.unit_id in {unit.id for unit in heard}
        made.deliveries.append(
            Delivery(
                speaker=speaker, state=DeliveryState.PLAYED if played else DeliveryState.MISSED, active=False,
                first_audio_at=moment if played else None, packets_sent=10, packets_lost=0 if played else None,
                ended_at=moment,
            )
        )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def heard_everywhere(house: House, number: int, days: int = 3) -> None:
    """Let every speaker play the duty on these days up to today, and let the worker see it."""
    with house.database.session() as session:
        one = session.get_one(Duty, number)
        one.decided_on -= days * datetime.timedelta(days=1)
        programme = session.get_one(Programme, one.programme_id)
        for back in range(days):
            moment = now() - back * datetime.timedelta(days=1)
            made = Broadcast(
                title=one.title, kind=Kind.RECORDED, zone_names="Khu", zone_codes=[], created_at=moment,
                on_air_at=moment, state=BroadcastState.ENDED,
            )  # fmt: skip
            made.sounds = [BroadcastSound(position=0, media_id=programme.sound_id or 0, programme_id=programme.id)]
            made.deliveries = [
                Delivery(speaker=each, state=DeliveryState.PLAYED, active=False, first_audio_at=moment, packets_lost=0)
                for each in session.scalars(sa.select(Speaker))
            ]
            session.add(made)
        session.flush()
        look_after_all(session, now())
