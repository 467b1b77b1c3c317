"""The clean-up of bridges that a dead switchboard left behind."""

from collections.abc import Mapping
from typing import cast

from broadcast_bridge.studio.live_recordings import Recordings
from broadcast_bridge.studio.orphans import clear_orphans
from haichieu.ari import operations
from haichieu.ari.client import AriClient
from haichieu.ari.events import EventRouter
from haichieu.ari.operations import Operation
from haichieu.database import Database


class Asterisk:
    """Asterisk with these bridges."""

    def __init__(self, *bridges: str) -> None:
        self.events = EventRouter(lambda event: None)
        self.bridges = list(bridges)

    async def request(self, operation: Operation, **parameters: str) -> list[Mapping[str, str]]:
        if operation is operations.DESTROY_BRIDGE:
            self.bridges.remove(parameters["bridgeId"])
        return [{"id": bridge} for bridge in self.bridges]


class NoRecordings:
    """Recordings of live broadcasts, of which there are none."""

    def sweep(self, session: object) -> None:
        """Nothing to sweep."""


async def test_bridges_of_calls_in_progress_are_left_alone(database: Database) -> None:
    left = "answered-out-2", "broadcast-2", "ahead-1"
    asterisk = Asterisk("answered-out-1", "broadcast-1", *left, "of-another-program")
    asterisk.events.claim("out-1", "broadcast-1")
    recordings = cast(Recordings, NoRecordings())
    await clear_orphans(cast(AriClient, asterisk), database, recordings, [], "main", lambda _: False)
    assert asterisk.bridges == ["answered-out-1", "broadcast-1", "of-another-program"]
