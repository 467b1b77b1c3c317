"""A refusal while an answered call is taken out of its dial bridge."""

from typing import cast

import pytest

from haichieu.ari import operations
from haichieu.ari.call import Call
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriRefused, HungUp
from haichieu.ari.events import EventRouter
from haichieu.ari.lines import Lines
from haichieu.ari.operations import Operation


class Asterisk:
    """Refuses one operation and remembers all."""

    def __init__(self, refused: Operation) -> None:
        self.events = EventRouter(lambda event: None)
        self.lines = Lines(1)
        self.refused = refused
        self.asked: list[Operation] = []

    async def request(self, operation: Operation, **parameters: object) -> None:
        self.asked.append(operation)
        if operation is self.refused:
            raise AriRefused(500, operation.method, "Internal error")


@pytest.mark.parametrize("refused", [operations.ADD_TO_BRIDGE, operations.REMOVE_FROM_BRIDGE])
async def test_call_that_cannot_leave_is_hung_up(refused: Operation) -> None:
    asterisk = Asterisk(refused)
    with pytest.raises(HungUp):
        async with Call(cast(AriClient, asterisk), "out-1", None, "") as call:
            await call.leave_dial_bridge()
    assert asterisk.asked[-2:] == [operations.DESTROY_BRIDGE, operations.HANG_UP]
