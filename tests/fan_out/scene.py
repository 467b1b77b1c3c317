"""A station with the fan-out on, its speakers, and a sound in which each packet differs from the next."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from broadcast_bridge.broadcasts import calling_off, starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from haichieu.database import now
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import TrialStation, until
from haichieu.media import MediaStore
from haichieu.processes.opened_station import OpenedStation
from tests.builders.sounds import stored
from tests.fan_out.recording_device import Heard

PASSWORD = "a-secret-of-the-district"
PLAIN = ("one", "two", "three", "four")
NAMES = (*PLAIN, "safe", "soft", "other")
ALL, FEW = "11", "12"
PHONE, PIN = "+84912345678", "246813"
SAMPLES, STEPS = 160, 120
"""Of the sound: samples per packet, and packets until it begins again."""


def district() -> str:
    """The district file: speakers (four plain, one encrypted, one of pjsua2, one of Baresip), and an official."""
    parts = ['[[units]]\ncode = "A"\nname = "A"\nlevel = "commune"\n']
    for name in NAMES:
        parts.append(
            f'[[speakers]]\nid = "{name}"\nname = "{name}"\nunit = "A"\npassword = "{PASSWORD}"\n'
            f'codecs = ["alaw", "ulaw"]\nencrypted = {str(name == "safe").lower()}\n'
        )
    parts.append(f'[[zones]]\ncode = "{ALL}"\nname = "A"\nunits = ["A"]\n')
    parts.append(f'[[zones]]\ncode = "{FEW}"\nname = "B"\nspeakers = ["one"]\n')
    parts.append(
        f'[[officials]]\ncode = "1001"\nname = "A"\nunit = "A"\nphones = ["{PHONE}"]\npin = "{PIN}"\n'
        f'zones = ["{ALL}"]\nmay = ["live"]\n'
        f'[[numbers]]\nnumber = "1900"\nflow = "official-line"\nunit = "A"\n'
        f'[[phones]]\nid = "desk"\nname = "desk"\npassword = "{PASSWORD}"\ncaller_number = "{PHONE}"\n'
    )
    return "\n".join(parts)


def alaw_codes() -> list[int]:
    """Codes of G.711 A-law, one per packet, all different and far from silence."""
    return [code for code in range(256) if (code ^ 0x55) & 0x70 >= 0x10][:STEPS]


def amplitude(code: int) -> int:
    """The sample of an A-law code (ITU-T G.711, table 1)."""
    code ^= 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    value = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)
    return value if code & 0x80 else -value


def counting_sound() -> bytes:
    """Samples with one value per packet, so that a test sees what is lost or heard twice."""
    return np.repeat([amplitude(code) for code in alaw_codes()], SAMPLES).astype("<i2").tobytes()


STEP_OF = {code: step for step, code in enumerate(alaw_codes())}


def breaks(heard: Iterable[Heard]) -> list[tuple[int, int]]:
    """Return the places in the sound where something is lost or comes twice, between packets of the sound."""
    steps = [STEP_OF[one.code] for one in heard if one.code is not None and one.code in STEP_OF]
    return [(a, b) for a, b in itertools.pairwise(steps) if (b - a) % STEPS != 1]


def widest_gap(heard: Iterable[Heard]) -> float:
    """Return the longest time between two packets, in seconds."""
    times = [one.at for one in heard]
    return max((b - a for a, b in itertools.pairwise(times)), default=0.0)


@dataclass
class FanOutScene:
    """The running station."""

    station: TrialStation
    folder: Path

    @property
    def rtp_port(self) -> int:
        """The port from which direct sound comes."""
        return self.station.settings.fan_out_rtp_port

    def reachable(self) -> set[str]:
        """Return the speakers that the station can reach."""
        with self.station.database.session() as session:
            return set(session.scalars(sa.select(Speaker.code).where(Speaker.reachable)))

    async def registered(self, *codes: str) -> None:
        """Wait until the station can reach these speakers."""
        await until(lambda: set(codes) <= self.reachable(), f"{codes} reachable", 30)

    def begin(self, zone: str = ALL, *, urgent: bool = False) -> int:
        """Begin a broadcast of the counting sound that lasts until it is stopped; return its id."""
        station = OpenedStation(self.station.settings, self.station.database)
        with self.station.database.session() as session:
            media = stored(session, MediaStore(station.home / "media", 1), counting_sound() * 10)
            more = {"priority": Priority.EMERGENCY} if urgent else {}
            return starting.ask(session, Request("test", "t", [media.id], [zone], times=0, **more), now()).id

    async def stop(self, broadcast: int) -> dict[str, Delivery]:
        """End a broadcast and return its deliveries by speaker."""
        with self.station.database.session() as session:
            calling_off.stop(session, broadcast, "account:test@example", now())
        await until(lambda: self.state(broadcast) not in ("planned", "calling", "on_air"), "the end", 30)
        return self.deliveries(broadcast)

    @contextlib.asynccontextmanager
    async def confirming(self) -> AsyncIterator[SoftPhone]:
        """Call as the official, choose the zone, and stop before the key that goes live; hang up in the end."""
        async with SoftPhone(server=self.station.server, id="desk", password=PASSWORD, bind="127.0.0.1") as phone:
            await phone.registered()
            await phone.call("1900")
            for keys in (f"{PIN}#", "1", f"{ALL}#"):
                await phone.digits(keys)
            yield phone
            await phone.hang_up()
            await phone.ended()

    def newest(self) -> Broadcast | None:
        """Return the newest broadcast."""
        with self.station.database.session() as session:
            return session.scalars(sa.select(Broadcast).order_by(Broadcast.id.desc()).limit(1)).first()

    def state(self, broadcast: int) -> str:
        """Return the state of a broadcast."""
        with self.station.database.session() as session:
            return session.get_one(Broadcast, broadcast).state

    def deliveries(self, broadcast: int) -> dict[str, Delivery]:
        """Return the deliveries of a broadcast by speaker."""
        with self.station.database.session() as session:
            found = {one.speaker.code: one for one in session.get_one(Broadcast, broadcast).deliveries}
            for one in found.values():
                session.expunge(one)
            return found

    async def end_all(self) -> None:
        """End every broadcast."""
        with self.station.database.session() as session:
            running = list(
                session.scalars(sa.select(Broadcast.id).where(Broadcast.state.in_(("planned", "calling", "on_air"))))
            )
        await asyncio.gather(*(self.stop(one) for one in running))
