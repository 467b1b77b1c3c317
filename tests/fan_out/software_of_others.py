"""Loudspeakers by other developers in a station with the fan-out, and each packet of sound that they get."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from haichieu.demo.baresip_speaker import BaresipSpeaker
from tests.fan_out.recording_device import Heard, heard
from tests.fan_out.scene import PASSWORD, FanOutScene
from tests.peers.lossy_path import LossyPath, Passed


@dataclass(frozen=True)
class FarBaresip:
    """A Baresip behind a network of its own."""

    program: BaresipSpeaker
    path: LossyPath

    @property
    def heard(self) -> list[Heard]:
        """What the network has let through."""
        return [_heard(one) for one in list(self.path.passed) if not one.is_lost]


@asynccontextmanager
async def baresip(scene: FanOutScene, code: str, **network: Any) -> AsyncIterator[FarBaresip]:
    """Baresip as a speaker; `network` are the losses and delays of a `LossyPath`."""
    with LossyPath(scene.station.server, **network) as path:
        folder = scene.folder / f"{code}-{path.server.rpartition(':')[2]}"
        async with BaresipSpeaker(server=path.server, id=code, password=PASSWORD, folder=folder) as program:
            await program.registered()
            yield FarBaresip(program, path)


def _heard(one: Passed) -> Heard:
    return heard(one.packet, one.arrived, one.port)


def from_port(some: Iterable[Heard], port: int) -> list[Heard]:
    """Return the packets that came from a port."""
    return [one for one in some if one.port == port]
