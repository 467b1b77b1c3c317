"""Second part of the demonstration: a scheduled programme that an emergency interrupts.

An editor uploads a bulletin, another person approves it, and it is scheduled for the next full minute. While it plays,
an emergency pre-empts it; then the bulletin continues where it was interrupted.
"""

import asyncio
import datetime
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import AfterCut, BroadcastState, DeliveryState, Priority
from broadcast_bridge.models import Broadcast, Zone
from broadcast_bridge.programmes import approval, intake
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.editing import Draft, Planner, plan
from broadcast_bridge.schedule.models import Occurrence
from broadcast_bridge.schedule.states import OccurrenceState, What
from haichieu.audio.sound import Sound, read_wav
from haichieu.database import now
from haichieu.demo.audio_matching import match
from haichieu.demo.trial_station import TrialStation, until
from haichieu.people import Right, Unit

ZONE = "11"
EDITOR, APPROVER = "account:bientap@demo.example", "account:duyet@demo.example"
WARNING = "Thông báo khẩn cấp. Nước lũ trên sông Gâm đang lên rất nhanh. Bà con hãy lên nơi cao ngay."
SOONEST_SECONDS = 6.0
PLAYED_BEFORE_CUT_SECONDS = 5.0
CORRELATION = 0.7
"""The warning is synthetic speech through a telephone codec; other speech stays below 0.4."""
LATEST_SECONDS = 3.0
"""Allowed delay after the scheduled time, on a machine that also runs the loudspeakers."""


@dataclass(frozen=True)
class OnSpeaker:
    """Evidence of one loudspeaker."""

    speaker: str
    correlation: float
    seconds_of_speech: float
    delivery: str


@dataclass(frozen=True)
class Scheduled:
    """The scheduled programme."""

    title: str
    due_at: str
    late_by_seconds: float | None
    cut_off_by_emergency: bool
    resumed_at_second: float | None
    heard: list[OnSpeaker]
    proven: bool


@dataclass(frozen=True)
class Emergency:
    """The emergency that interrupted it."""

    text: str
    command_to_air_seconds: float | None
    heard: list[OnSpeaker]
    proven: bool


async def programme_and_emergency(
    station: TrialStation, speech: Path, speakers: Mapping[str, Callable[[], Sound]]
) -> tuple[Scheduled, Emergency]:
    """Run this part and compare what the `speakers` have heard with the played sound."""
    begins = {code: len(heard().samples) for code, heard in speakers.items()}
    programme_id = await asyncio.to_thread(_approved_programme, station, speech)
    warning_id = await asyncio.to_thread(_warning, station)
    schedule_id, due_at = await asyncio.to_thread(_planned, station, programme_id)
    wait = (due_at - now()).total_seconds() + 20
    await until(lambda: _bulletin(station, schedule_id).live_at is not None, "the bulletin is heard", wait)
    await asyncio.sleep(PLAYED_BEFORE_CUT_SECONDS)
    alarm_id = await asyncio.to_thread(_emergency, station, warning_id)
    await until(lambda: _broadcast(station, alarm_id).ended_at is not None, "the emergency has ended", 60)
    bulletin_id = _bulletin(station, schedule_id).id
    await until(lambda: _rest_of(station, bulletin_id).ended_at is not None, "the rest of the bulletin", 60)
    since = {code: _since(heard(), begins[code]) for code, heard in speakers.items()}
    return await asyncio.to_thread(_evidence, station, (bulletin_id, alarm_id), due_at, warning_id, programme_id, since)


def _approved_programme(station: TrialStation, speech: Path) -> int:
    with tempfile.TemporaryDirectory() as folder, station.database.session() as session:
        upload = Path(shutil.copy(speech, folder))
        ready = intake.ready_upload(upload, Path(folder), speech.name)
        placed = intake.put(station.opened.media, ready)
        programme = intake.add(session, station.opened.media, _about(session, "Bản tin buổi sáng"), placed, now())
        approval.submit(session, programme, EDITOR, now())
        approval.approve(session, programme, APPROVER, now())
        return programme.id


def _warning(station: TrialStation) -> int:
    with tempfile.TemporaryDirectory() as folder, station.database.session() as session:
        ready = intake.ready_text(WARNING, "vi", station.opened.synthesiser, Path(folder))
        placed = intake.put(station.opened.media, ready)
        return intake.add(session, station.opened.media, _about(session, "Cảnh báo lũ"), placed, now()).id


def _about(session: Session, title: str) -> intake.About:
    unit = session.scalars(sa.select(Unit.id).order_by(Unit.id).limit(1)).one()
    return intake.About(title, unit, EDITOR, "Biên tập viên")


def _planned(station: TrialStation, programme_id: int) -> tuple[int, datetime.datetime]:
    """Plan the programme for the next full minute."""
    with station.database.session() as session:
        planner = Planner(EDITOR, frozenset(Right), frozenset(session.scalars(sa.select(Unit.id))))
        hour = now() + datetime.timedelta(seconds=SOONEST_SECONDS + 60)
        draft = Draft(
            title="Bản tin buổi sáng",
            unit_id=session.get_one(Programme, programme_id).unit_id,
            zone_ids=(session.scalars(sa.select(Zone.id).where(Zone.code == ZONE)).one(),),
            what=What.PROGRAMME,
            programme_id=programme_id,
            starts=hour.replace(second=0, microsecond=0, tzinfo=None),
            timezone="UTC",
            after_cut=AfterCut.RESUME,
            catch_up_minutes=60,
        )
        return plan(session, draft, planner, now()).id, hour.replace(second=0, microsecond=0)


def _emergency(station: TrialStation, warning_id: int) -> int:
    with station.database.session() as session:
        sound = session.get_one(Programme, warning_id).sound_id or 0
        request = Request("demo", "Cảnh báo lũ", [sound], [ZONE], priority=Priority.EMERGENCY, siren=True)
        return starting.ask(session, request, now()).id


def _bulletin(station: TrialStation, schedule_id: int) -> Broadcast:
    with station.database.session() as session:
        found = session.scalar(
            sa.select(Broadcast)
            .join(Occurrence, Occurrence.broadcast_id == Broadcast.id)
            .where(Occurrence.schedule_id == schedule_id)
        )
        return found or Broadcast()


def _broadcast(station: TrialStation, broadcast_id: int) -> Broadcast:
    with station.database.session() as session:
        return session.get_one(Broadcast, broadcast_id)


def _rest_of(station: TrialStation, broadcast_id: int) -> Broadcast:
    """Return the broadcast that continues an interrupted one."""
    with station.database.session() as session:
        return session.scalar(sa.select(Broadcast).where(Broadcast.again_of_id == broadcast_id)) or Broadcast()


def _since(sound: Sound, begin: int) -> Sound:
    return Sound(sound.samples[begin:], sound.rate)


def _evidence(
    station: TrialStation,
    broadcasts: tuple[int, int],
    due_at: datetime.datetime,
    warning_id: int,
    programme_id: int,
    heard: Mapping[str, Sound],
) -> tuple[Scheduled, Emergency]:
    with station.database.session() as session:
        bulletin, alarm = (session.get_one(Broadcast, broadcast_id) for broadcast_id in broadcasts)
        rest = session.scalars(sa.select(Broadcast).where(Broadcast.again_of_id == bulletin.id)).one()
        of_bulletin = on_speakers(station, session, programme_id, bulletin, heard)
        of_alarm = on_speakers(station, session, warning_id, alarm, heard)
        late = (bulletin.on_air_at - due_at).total_seconds() if bulletin.on_air_at else None
        reaction = (alarm.on_air_at - alarm.created_at).total_seconds() if alarm.on_air_at else None
        aired = session.scalar(sa.select(Occurrence.state).where(Occurrence.broadcast_id == bulletin.id))
        scheduled = Scheduled(
            title=bulletin.title,
            due_at=due_at.isoformat(),
            late_by_seconds=late,
            cut_off_by_emergency=bulletin.state == BroadcastState.PRE_EMPTED,
            resumed_at_second=rest.offset_seconds,
            heard=of_bulletin,
            proven=bulletin.state == BroadcastState.PRE_EMPTED
            and rest.offset_seconds > 0
            and late is not None
            and 0 <= late < LATEST_SECONDS
            and aired in (OccurrenceState.AIRED, OccurrenceState.CLAIMED)
            and all(one.correlation >= CORRELATION and one.delivery == DeliveryState.CAUGHT_UP for one in of_bulletin),
        )
        return scheduled, Emergency(
            text=WARNING,
            command_to_air_seconds=reaction,
            heard=of_alarm,
            proven=all(one.correlation >= CORRELATION and one.delivery == DeliveryState.PLAYED for one in of_alarm),
        )


def on_speakers(
    station: TrialStation, session: Session, programme_id: int, broadcast: Broadcast, heard: Mapping[str, Sound]
) -> list[OnSpeaker]:
    """Return how much of a programme's sound each speaker heard, and the result in the log."""
    sound = session.get_one(Programme, programme_id).sound
    assert sound is not None, "a programme that was played has a sound"  # noqa: S101
    source = read_wav(station.opened.media.path(sound))
    states = {delivery.speaker.code: delivery.state for delivery in broadcast.deliveries}
    found = {code: match(source, recorded) for code, recorded in heard.items()}
    return [
        OnSpeaker(code, round(one.correlation, 3), round(one.matched_seconds, 2), states.get(code, ""))
        for code, one in found.items()
    ]
