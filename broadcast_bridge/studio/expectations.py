"""Broadcasts that the studio expects, and the calls that it makes ahead of them."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts import expected
from broadcast_bridge.broadcasts.expected import Expected
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Speaker
from broadcast_bridge.studio.broadcast_plan import needs_wideband
from broadcast_bridge.studio.dial_ahead import AheadCalls, DialAhead, Targets
from broadcast_bridge.studio.speaker_target import Calling, LegTarget, target_ahead
from haichieu.background import Tasks
from haichieu.database import Database, now
from haichieu.media import MediaStore


class Expectations:
    """Finds the speakers of expected broadcasts, as they may be called by the settings of station and speaker."""

    def __init__(
        self,
        calls: AheadCalls,
        database: Database,
        store: MediaStore,
        calling: Calling,
        node: str,
        *,
        dials_ahead: bool,
    ) -> None:
        """`dials_ahead` is the setting for speakers that have none of their own."""
        self._calls = calls
        self._database = database
        self._store = store
        self._calling = calling
        self._node = node
        self._dials_ahead = dials_ahead

    def live(
        self, official_id: int, zone_keys: str, due_at: datetime.datetime | None, *, called_back: bool
    ) -> DialAhead:
        """Call the speakers of a zone ahead of an official's live broadcast, at `due_at` or at any moment."""

        def look(session: Session) -> Targets:
            at = max(due_at or now(), now())
            speakers = expected.live_speakers(session, official_id, zone_keys, self._node, at, called_back=called_back)
            return Targets(self._targets(session, speakers, Priority.NORMAL))

        return self._calls.begin(partial(self._database.look, look), due_at)

    def recorded(self, soon: Iterable[Expected]) -> None:
        """Call the speakers of these recorded broadcasts in time, and call off all others that are not due yet."""
        found = list(soon)
        self._calls.expect_only([one.key for one in found])
        for one in found:
            self._calls.expect(one.key, partial(self._database.look, partial(self._look, one)), one.due_at)

    def _look(self, one: Expected, session: Session) -> Targets:
        setting = expected.setting_of(session, one)
        targets = self._targets(session, expected.to_call(setting.speakers, self._node), setting.priority)
        return Targets(targets, needs_wideband(self._store, setting.sounds, (s.codecs for s in setting.speakers)))

    def _targets(self, session: Session, speakers: Sequence[Speaker], priority: Priority) -> Sequence[LegTarget]:
        switched_on = [
            speaker for speaker in speakers if (self._dials_ahead if speaker.dial_ahead is None else speaker.dial_ahead)
        ]
        shown = self._calling.shown(session)
        return [target_ahead(speaker, priority, self._calling.route, shown) for speaker in switched_on]


class AnswerTimes:
    """Stores how long speakers took to answer."""

    def __init__(self, database: Database, tasks: Tasks) -> None:
        self._database = database
        self._tasks = tasks

    def took(self, seconds: Mapping[str, float]) -> None:
        """Write without waiting for it."""
        if seconds:
            self._tasks.begin(self._database.until_written(partial(_write, seconds=seconds)))


def _write(session: Session, seconds: Mapping[str, float]) -> None:
    for code, took in seconds.items():
        session.execute(sa.update(Speaker).where(Speaker.code == code).values(answered_in=round(took, 1)))
