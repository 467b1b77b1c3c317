"""Recording intake: turns the recordings that callers left in Asterisk's spool into cases, programmes and answers."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Protocol

import sqlalchemy as sa
import structlog

from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.ari import operations
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriError
from haichieu.database import Database
from haichieu.errors import HaiChieuError, message_of, shown
from haichieu.locale import message
from haichieu.spool import LeftRecording

log = structlog.get_logger()

LOOK_SECONDS = 3.0


class LeftRecordings(Protocol):
    """The recordings of one kind in the spool. Its methods block: they are called in a thread."""

    def left_recordings(self) -> Sequence[LeftRecording]:
        """Return the recordings that no call has claimed."""
        ...

    def is_still(self, name: str) -> bool:
        """Return whether a recording is complete."""
        ...

    def take_in(self, name: str) -> str | None:
        """Store a recording and return the name of the result; None when it was silent and is deleted.

        It is removed from the spool after the commit; taking it in twice stores it once.
        """
        ...


class RecordingIntake:
    """Polls the spool every `LOOK_SECONDS`. A recording that cannot be stored stays there, with an alarm."""

    def __init__(self, client: AriClient, database: Database, kinds: Sequence[LeftRecordings]) -> None:
        self._client = client
        self._database = database
        self._kinds = kinds
        self._hint = asyncio.Event()

    def hurry(self) -> None:
        """Look at once instead of at the next time; call it on the event loop."""
        self._hint.set()

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await self._client.connected.wait()
            self._hint.clear()
            with contextlib.suppress(AriError):
                await self.look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hint.wait(), LOOK_SECONDS)

    async def look(self) -> None:
        """Take in every finished recording. Raises AriError when Asterisk cannot list the calls in progress."""
        # The spool first: a call that begins after this look is not in it.
        found = [(kind, left) for kind in self._kinds for left in await asyncio.to_thread(_left_recordings, kind)]
        speaking: set[str] = set()
        if any(recording.channel for _, recording in found):
            speaking = {channel["id"] for channel in await self._client.request(operations.LIST_CHANNELS)}
        for kind, recording in found:
            if recording.channel in speaking:
                continue
            if not recording.channel:
                with contextlib.suppress(AriError):  # most have ended; one may still run after its switchboard died
                    await self._client.request(operations.STOP_RECORDING, recordingName=recording.name)
            await asyncio.to_thread(self._take_in, kind, recording.name)

    def _take_in(self, kind: LeftRecordings, name: str) -> None:
        about = {"kind": type(kind).__name__, "name": name}
        try:
            if not kind.is_still(name):
                return
            became = kind.take_in(name)
        except (HaiChieuError, sa.exc.SQLAlchemyError, OSError) as problem:
            log.warning("recording.not_taken_in", problem=shown(problem), **about)
            self._raise_alarm(name, problem)
        except Exception as problem:  # a fault in one recording must not keep the others in the spool
            log.exception("recording.not_taken_in", **about)
            self._raise_alarm(name, problem)
        else:
            log.info("recording.taken_in" if became else "recording.empty", became=became, **about)
            self._clear_alarm(name)

    def _raise_alarm(self, name: str, problem: Exception) -> None:
        text = message("recordings.not_taken_in", name=name, problem=message_of(problem))
        with contextlib.suppress(sa.exc.SQLAlchemyError), self._database.session() as session:
            raise_alarm(session, AlarmKind.RECORDING_FAILED, name, text)

    def _clear_alarm(self, name: str) -> None:
        """Clear the alarm of this recording, which an earlier process may have raised."""
        with contextlib.suppress(sa.exc.SQLAlchemyError), self._database.session() as session:
            alarm_is_over(session, AlarmKind.RECORDING_FAILED, name)


def _left_recordings(kind: LeftRecordings) -> Sequence[LeftRecording]:
    """Return the recordings of one kind; none when they cannot be listed, so that the other kinds go ahead."""
    try:
        return kind.left_recordings()
    except Exception:
        log.exception("recordings.not_listed", kind=type(kind).__name__)
        return ()
