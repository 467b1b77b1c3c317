"""Worker that synthesises alerts, requests their broadcasts and stops those that are over.

It decides nothing: `decisions` did, and `broadcasts.starting` applies the precedence. All progress is in the rows, so
that another process can continue after a crash.
"""

import asyncio
import datetime
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from broadcast_bridge.alerts import broadcasting
from broadcast_bridge.alerts.announcement import text_in_own_words
from broadcast_bridge.alerts.cap_reader import parse_alert
from broadcast_bridge.alerts.decisions import expiry_of
from broadcast_bridge.alerts.models import CapAlert
from broadcast_bridge.alerts.states import AlertState
from broadcast_bridge.broadcasts import calling_off, starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import Priority, Reason
from broadcast_bridge.models import Broadcast
from broadcast_bridge.programmes.intake import Ready, ready_text
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.background import for_ever
from haichieu.changes import changes_and_hours
from haichieu.database import Database, now
from haichieu.errors import HaiChieuError
from haichieu.locale import FALLBACK, LANGUAGES, Message, message
from haichieu.media import MediaStore, Stored
from haichieu.set_aside import or_set_aside
from haichieu.speech.pronunciations import dictionary_of
from haichieu.speech.synthesis import Synthesiser
from haichieu.station import the_station

log = structlog.get_logger()

PAUSE_SECONDS = 10.0
REPEATED_FOR = datetime.timedelta(minutes=30)
"""An emergency is repeated for this long, unless it is cancelled, replaced or stopped earlier."""
LOOK_EVERY = datetime.timedelta(seconds=30)


@dataclass(frozen=True)
class Wording:
    """One text of an alert. `own` means that it is the station's, because no other can be spoken."""

    text: str
    language: str
    own: bool = False


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
        for alert_id in await self._database.run(lambda session: self._look(session, now())):
            try:
                await asyncio.to_thread(self._put_on_air, alert_id)
            except Exception as problem:  # one alert must not delay the others
                log.exception("alert.not_aired", alert=alert_id)
                why = (
                    problem.message if isinstance(problem, HaiChieuError) else Message.verbatim(type(problem).__name__)
                )
                await self._database.until_written(partial(_give_up, alert_id=alert_id, why=why))

    async def _next_look(self) -> datetime.datetime:
        return now() + LOOK_EVERY  # an alert begins and expires at a minute, not at a second

    def _look(self, session: Session, at: datetime.datetime) -> Sequence[int]:
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
        return [alert.id for alert in broadcasting.due(session, at)]

    def _put_on_air(self, alert_id: int) -> None:
        with self._database.reading() as session:
            languages = the_station(session).languages or [FALLBACK]
            tried = wordings(session.get_one(CapAlert, alert_id), languages, self._synthesiser.languages, now())
        with self._store.scratch() as folder:
            ready, used = self._first_ready(tried, Path(folder))
            stored = self._store.put(ready.forms.narrow, ready.forms.wide)
            with self._database.session() as session:
                self._ask(session, alert_id, stored, now())
                if used.own:
                    _report_language(session, alert_id)

    def _first_ready(self, tried: Sequence[Wording], folder: Path) -> tuple[Ready, Wording]:
        """Synthesise the first wording that can be spoken. Raises the error of the last one."""
        dictionary = dictionary_of(self._database)
        for wording in tried[:-1]:
            try:
                return ready_text(wording.text, wording.language, self._synthesiser, folder, dictionary), wording
            except HaiChieuError as problem:
                log.warning("alert.wording_failed", language=wording.language, problem=str(problem))
        last = tried[-1]
        return ready_text(last.text, last.language, self._synthesiser, folder, dictionary), last

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


def wordings(
    alert: CapAlert, languages: Sequence[str], voices: Collection[str], at: datetime.datetime
) -> tuple[Wording, ...]:
    """Return what may be said: the texts in the station's languages, then the others, then the station's own words.

    An alert is never silent because of its language: the last wording tells what the codes of the alert say.
    """
    texts = {text.language: text.text for text in alert.texts}
    found = [Wording(texts[one], one) for one in dict.fromkeys([*languages, *texts]) if one in texts and one in voices]
    language = next((one for one in languages if one in voices and one in LANGUAGES), FALLBACK)
    return (*found, Wording(_own_words(alert, language, at), language, own=True))


def _own_words(row: CapAlert, language: str, at: datetime.datetime) -> str:
    alert = parse_alert(row.document.encode())
    infos = [info for info in alert.infos if expiry_of(alert, info) > at] or alert.infos
    return text_in_own_words(alert, language, row.source.name, infos, Priority(row.priority), row.areas)


def _report_language(session: Session, alert_id: int) -> None:
    """Raise an alarm for an alert whose own text was not spoken."""
    alert = session.get_one(CapAlert, alert_id)
    languages = ", ".join(text.language for text in alert.texts)
    text = message("alert.own_words", identifier=alert.identifier, languages=languages)
    raise_alarm(session, AlarmKind.ALERT_DEFECTIVE, f"cap-alert:{alert_id}:language", text)


def _give_up(session: Session, alert_id: int, why: Message) -> None:
    """Leave the alert as it is, to be tried again at the next look, and alert the administrators."""
    raise_alarm(session, AlarmKind.ALERT_NOT_AIRED, f"cap-alert:{alert_id}", why)
