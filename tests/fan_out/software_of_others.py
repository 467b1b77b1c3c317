"""Loudspeakers by other developers in a station with the fan-out, and each packet of sound that they get."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from haichieu.audio.sound import FULL_SCALE, Sound
from haichieu.demo.baresip_speaker import BaresipSpeaker
from tests.fan_out.recording_device import Heard, heard
from tests.fan_out.rtp_ear import RtpEar
from tests.fan_out.scene import CODES, PASSWORD, SAMPLES, FanOutScene, amplitude
from tests.peers.lossy_path import LossyPath, Passed
from tests.peers.scripted_device import new_device

STEP_OF_AMPLITUDE = {amplitude(code): step for step, code in enumerate(CODES)}


@asynccontextmanager
async def sipp(scene: FanOutScene, code: str, agrees_after: float = 0.0) -> AsyncIterator[RtpEar]:
    """SIPp as a speaker that answers each re-INVITE some seconds later; yield what it hears."""
    with RtpEar() as ear:
        device = new_device(scene.station.server, code, PASSWORD, scene.folder, sound_port=ear.port)
        await device.register()
        async with device.serving("re_invited", "-d", str(round(agrees_after * 1000))):
            yield ear
        await device.register(0)


@dataclass(frozen=True)
class FarBaresip:
    """A Baresip behind a network of its own."""

    program: BaresipSpeaker
    path: LossyPath

    @property
    def heard(self) -> list[Heard]:
        """What the network has let through."""
        return [_heard(one) for one in list(self.path.passed) if not one.is_lost]

    def decoded_steps(self) -> list[int]:
        """Return the steps of the counting sound in what Baresip has decoded."""
        return steps_in(self.program.heard())


@asynccontextmanager
async def baresip(scene: FanOutScene, code: str, **network: Any) -> AsyncIterator[FarBaresip]:
    """Baresip as a speaker; `network` are the losses and delays of a `LossyPath`."""
    with LossyPath(scene.station.server, **network) as path:
        folder = scene.folder / f"{code}-{path.server.rpartition(':')[2]}"
        async with BaresipSpeaker(server=path.server, id=code, password=PASSWORD, folder=folder) as program:
            await program.registered()
            yield FarBaresip(program, path)


def steps_in(sound: Sound) -> list[int]:
    """Return the steps of the counting sound in decoded packets."""
    samples = np.round(sound.samples * FULL_SCALE).astype(int)
    packets = samples[: len(samples) // SAMPLES * SAMPLES].reshape(-1, SAMPLES)
    both = (packets == packets[:, :1]) | (packets == packets[:, -1:])  # one step ends in a packet, the next begins
    last = packets[both.all(axis=1), -1]
    return [STEP_OF_AMPLITUDE[value] for value in last.tolist() if value in STEP_OF_AMPLITUDE]


def _heard(one: Passed) -> Heard:
    return heard(one.packet, one.arrived, one.port)


def from_port(some: Iterable[Heard], port: int) -> list[Heard]:
    """Return the packets that came from a port."""
    return [one for one in some if one.port == port]
