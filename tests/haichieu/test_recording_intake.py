"""The intake of recordings: one policy for every kind, alarms for those that cannot be stored."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from haichieu.alarms import AlarmKind, open_alarms
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriRefused
from haichieu.ari.operations import LIST_CHANNELS, Operation
from haichieu.database import Database
from haichieu.errors import HaiChieuError
from haichieu.locale import render
from haichieu.recording_intake import RecordingIntake
from haichieu.spool import LeftRecording

pytestmark = pytest.mark.both_databases


class Asterisk:
    """Asterisk with these channels; no recording of it is running any more."""

    def __init__(self, *channels: str) -> None:
        self.channels = channels
        self.connected = asyncio.Event()

    async def request(self, operation: Operation, **parameters: object) -> list[Mapping[str, Any]]:
        if operation is LIST_CHANNELS:
            return [{"id": channel} for channel in self.channels]
        raise AriRefused(404, "DELETE", "Recording not found")


class Kind:
    """Recordings in memory."""

    def __init__(self, *recordings: LeftRecording, problem: Exception | None = None, still: bool = True) -> None:
        self.recordings = list(recordings)
        self.problem = problem
        self.still = still
        self.taken: list[str] = []

    def left_recordings(self) -> list[LeftRecording]:
        return list(self.recordings)

    def is_still(self, name: str) -> bool:
        return self.still

    def take_in(self, name: str) -> str | None:
        if self.problem is not None:
            raise self.problem
        self.taken.append(name)
        self.recordings = [recording for recording in self.recordings if recording.name != name]
        return "case 1"


async def look(database: Database, *kinds: Kind, channels: tuple[str, ...] = ()) -> None:
    await RecordingIntake(cast(AriClient, Asterisk(*channels)), database, kinds).look()


async def test_every_kind_is_taken_in(database: Database) -> None:
    one, two = Kind(LeftRecording("a")), Kind(LeftRecording("b", "1.5"), LeftRecording("c", "1.6"))
    await look(database, one, two)
    assert (one.taken, two.taken) == (["a"], ["b", "c"])


async def test_a_caller_who_is_still_speaking_is_not_interrupted(database: Database) -> None:
    kind = Kind(LeftRecording("a", "1.5"), LeftRecording("b", "1.6"))
    await look(database, kind, channels=("1.5",))
    assert kind.taken == ["b"]


async def test_a_file_that_is_still_written_waits(database: Database) -> None:
    kind = Kind(LeftRecording("a"), still=False)
    await look(database, kind)
    assert kind.taken == []


@pytest.mark.parametrize(
    "problem", [HaiChieuError("recordings.not_taken_in", name="x", problem="y"), OSError(28), KeyError("0912345678")]
)
async def test_a_recording_that_cannot_be_stored_raises_an_alarm(database: Database, problem: Exception) -> None:
    broken, other = Kind(LeftRecording("a"), problem=problem), Kind(LeftRecording("b"))
    await look(database, broken, other)
    assert other.taken == ["b"]
    with database.session() as session:
        (alarm,) = open_alarms(session)
        assert (alarm.kind, alarm.subject) == (AlarmKind.RECORDING_FAILED, "a")
        assert "0912345678" not in render(alarm.text, "en")


@pytest.mark.parametrize("question", ["left_recordings", "is_still"])
async def test_a_kind_that_fails_does_not_stop_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no such page")

    broken, other = Kind(LeftRecording("a")), Kind(LeftRecording("b"))
    monkeypatch.setattr(broken, question, fail)
    await look(database, broken, other)
    assert (broken.taken, other.taken) == ([], ["b"])


async def test_the_alarm_of_an_earlier_process_is_cleared_when_stored(database: Database) -> None:
    kind = Kind(LeftRecording("a"), problem=OSError(28))
    await look(database, kind)
    kind.problem = None
    await look(database, kind)
    assert kind.taken == ["a"]
    with database.session() as session:
        assert open_alarms(session) == []
