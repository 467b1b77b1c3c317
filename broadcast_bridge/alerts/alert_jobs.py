"""Worker that synthesises alerts, requests their broadcasts and stops those that are over.

It decides nothing: `decisions` did, and `broadcasts.starting` applies the precedence. All progress is in the rows, so
that another process can continue after a crash.
"""

import asyncio
import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.alerts import broadcasting
from broadcast_bridge.alerts.models import CapAlert
from broadcast_bridge.alerts.states import AlertState
from broadcast_bridge.broadcasts import calling_off, starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import Priority, Reason
from broadcast_bridge.models import Broadcast
from broadcast_bridge.programmes.intake import ready_text
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.background import for_ever
from haichieu.changes import changes_and_hours
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.locale import Message
from haichieu.media import MediaStore, Stored
from haichieu.set_aside import or_set_aside
from haichieu.speech.synthesis import Synthesiser
from haichieu.station import the_station

log = structlog.get_logger()

PAUSE_SECONDS = 10.0
REPEATED_FOR = datetime.timedelta(minutes=30)
"""An emergency is repeated for this long, unless it is cancelled, replaced or stopped earlier."""
LOOK_EVERY = datetime.timedelta(seconds=30)


@dataclass(frozen=True)
class _Spoken:
    alert_id: int
    text: str
    language: str


class AlertDesk:
    """Processes the alerts that are to be broadcast."""

    def __init__(self, database: Database, store: MediaStore, synthesiser: Synthesiser) -> None:
        self._database = database
        self._store = store
        self._synthesiser = synthesiser

    async def run(self) -> None:
        """Work until cancelled. Alerts are no jobs: what to do follows from their states, after every commit."""
        await for_ever(self._follow)

    async def _follow(self) -> None:
        async for _ in changes_and_hours(self._database, self._next_look):
            await self.step()

    async def step(self) -> None:
        """Stop alerts that are over, and broadcast those that are due."""
        for spoken in await self._database.run(lambda session: self._look(session, now())):
            try:
                await asyncio.to_thread(self._put_on_air, spoken)
            except Exception as problem:  # one alert must not delay the others
                log.exception("alert.not_aired", alert=spoken.alert_id)
                why = (
                    problem.message if isinstance(problem, HaiChieuError) else Message.verbatim(type(problem).__name__)
                )
                await self._database.until_written(partial(_give_up, spoken=spoken, why=why))

    async def _next_look(self) -> datetime.datetime:
        return now() + LOOK_EVERY  # an alert begins and expires at a minute, not at a second

    def _look(self, session: Session, at: datetime.datetime) -> Sequence[_Spoken]:
        broadcasting.expire(session, at)
        for number in broadcasting.broadcasts_to_stop(session, at):
            stop = partial(calling_off.stop, session, number, "alerts", at, Reason.ALERT_OVER)
            or_set_aside(session, f"broadcast:{number}", stop)
        ended = session.scalars(
            sa.select(CapAlert)
            .join(Broadcast, CapAlert.broadcast_id == Broadcast.id)
            .where(CapAlert.state == AlertState.AIRING, Broadcast.ended_at.is_not(None))
        ).all()
        for alert in ended:
            or_set_aside(session, f"cap-alert:{alert.id}", partial(broadcasting.finish, session, alert))
        language = the_station(session).language
        return [_spoken(alert, language) for alert in broadcasting.due(session, at)]

    def _put_on_air(self, spoken: _Spoken) -> None:
        with self._store.scratch() as folder:
            ready = ready_text(spoken.text, spoken.language, self._synthesiser, Path(folder))
            stored = self._store.put(ready.forms.narrow, ready.forms.wide)
            with self._database.session() as session:
                self._ask(session, spoken.alert_id, stored, now())

    def _ask(self, session: Session, alert_id: int, stored: Stored, at: datetime.datetime) -> None:
        alert = session.get_one(CapAlert, alert_id, with_for_update=True, populate_existing=True)
        if alert.state != AlertState.RECEIVED:
            return  # cancelled, or broadcast by another process, while its text was being synthesised
        urgent = alert.priority == Priority.EMERGENCY
        sound = self._store.add(session, stored)
        request = Request(
            asked_by=f"alert:{alert.id}",
            title=f"{alert.source.name}: {alert.identifier}"[:300],
            sound_ids=[sound.id],
            speaker_codes=[speaker.code for speaker in alert.speakers],
            priority=Priority(alert.priority),
            siren=urgent,
            times=math.ceil(REPEATED_FOR.total_seconds() / (sound.seconds + PAUSE_SECONDS)) if urgent else 1,
            pause_seconds=PAUSE_SECONDS,
            worth_hearing_until=alert.expires_at,
        )
        broadcast = starting.ask(session, request, at)
        broadcasting.put_on_air(session, alert, broadcast.id)
        log.info("alert.on_air", alert=alert.id, broadcast=broadcast.id, priority=alert.priority)


def _spoken(alert: CapAlert, language: str) -> _Spoken:
    """Return the text in the station's language, or else the first one."""
    texts = {text.language: text.text for text in alert.texts}
    chosen = language if language in texts else next(iter(texts), language)
    return _Spoken(alert.id, texts.get(chosen, ""), chosen)


def _give_up(session: Session, spoken: _Spoken, why: Message) -> None:
    """Leave the alert as it is, to be tried again at the next look, and alert the administrators."""
    raise_alarm(session, AlarmKind.ALERT_NOT_AIRED, f"cap-alert:{spoken.alert_id}", why)
