"""A station with the fan-out on, its speakers, and a sound in which each packet differs from the next."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from broadcast_bridge.broadcasts import calling_off, starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import Kind, Priority
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from haichieu.audio.sound import Sound
from haichieu.database import now
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import TrialStation, until
from haichieu.media import MediaStore
from haichieu.processes.opened_station import OpenedStation
from tests.builders.sounds import stored
from tests.fan_out.recording_device import Heard

PASSWORD = "a-secret-of-the-district"
PLAIN = ("one", "two", "three", "four")
MORE = ("five", "six", "seven", "eight")
NAMES = (*PLAIN, *MORE, "safe", "soft", "other")
ALL, FEW, FRONT, BACK = "11", "12", "13", "14"
ZONES = {FEW: PLAIN[:1], FRONT: (*PLAIN[2:], *MORE[:1]), BACK: MORE}
"""Beside `ALL`: the speakers of each."""
PIN = "246813"
PHONES = {"desk": "+84912345678", "office": "+84912345679"}
"""The telephones of two officials, and their numbers."""
SAMPLES, STEPS, URGENT_STEPS = 160, 120, 60
"""Of the sounds: samples per packet, and packets until each begins again."""


def district() -> str:
    """The district file: speakers (eight plain, one encrypted, one of pjsua2, one of Baresip), and an official."""
    parts = ['[[units]]\ncode = "A"\nname = "A"\nlevel = "commune"\n']
    for name in NAMES:
        parts.append(
            f'[[speakers]]\nid = "{name}"\nname = "{name}"\nunit = "A"\npassword = "{PASSWORD}"\n'
            f'codecs = ["alaw", "ulaw"]\nencrypted = {str(name == "safe").lower()}\n'
        )
    parts.append(f'[[zones]]\ncode = "{ALL}"\nname = "A"\nunits = ["A"]\n')
    for code, speakers in ZONES.items():
        parts.append(f'[[zones]]\ncode = "{code}"\nname = "{code}"\nspeakers = {json.dumps(speakers)}\n')
    for number, (phone, caller) in enumerate(PHONES.items(), 1):
        parts.append(
            f'[[officials]]\ncode = "100{number}"\nname = "{phone}"\nunit = "A"\nphones = ["{caller}"]\n'
            f'pin = "{PIN}"\nzones = ["{ALL}", "{BACK}"]\nmay = ["live"]\n'
            f'[[phones]]\nid = "{phone}"\nname = "{phone}"\npassword = "{PASSWORD}"\ncaller_number = "{caller}"\n'
        )
    parts.append('[[numbers]]\nnumber = "1900"\nflow = "official-line"\nunit = "A"\n')
    return "\n".join(parts)


def alaw_codes() -> list[int]:
    """Codes of G.711 A-law, one per packet, all different and far from silence."""
    return [code for code in range(256) if (code ^ 0x55) & 0x70 >= 0x10]


CODES = alaw_codes()[:STEPS]
URGENT_CODES = alaw_codes()[STEPS : STEPS + URGENT_STEPS]


def amplitude(code: int) -> int:
    """The sample of an A-law code (ITU-T G.711, table 1)."""
    code ^= 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    value = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)
    return value if code & 0x80 else -value


def counting_sound(codes: list[int] = CODES) -> bytes:
    """Samples with one value per packet, so that a test sees what is lost or heard twice."""
    return np.repeat([amplitude(code) for code in codes], SAMPLES).astype("<i2").tobytes()


STEP_OF = {code: step for step, code in enumerate(CODES)}


def steps(heard: Iterable[Heard]) -> list[Heard]:
    """Return the packets of the counting sound."""
    return [one for one in heard if one.code in STEP_OF]


def breaks(heard: Iterable[Heard]) -> list[tuple[int, int]]:
    """Return the places in the sound where something is lost or comes twice, between packets of the sound."""
    places = [STEP_OF[one.code] for one in heard if one.code is not None and one.code in STEP_OF]
    return [(a, b) for a, b in itertools.pairwise(places) if (b - a) % STEPS != 1]


def widest_gap(heard: Iterable[Heard]) -> float:
    """Return the longest time between the arrivals of two packets, in seconds."""
    times = [one.arrived for one in heard]
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
        """Begin a broadcast of the counting sound that lasts until it is stopped; return its id.

        An urgent one has codes of its own.
        """
        station = OpenedStation(self.station.settings, self.station.database)
        sound = counting_sound(URGENT_CODES if urgent else CODES) * 10
        with self.station.database.session() as session:
            media = stored(session, MediaStore(station.home / "media", 1), sound)
            more = {"priority": Priority.EMERGENCY} if urgent else {}
            return starting.ask(session, Request("test", "t", [media.id], [zone], times=0, **more), now()).id

    async def stop(self, broadcast: int) -> dict[str, Delivery]:
        """End a broadcast and return its deliveries by speaker."""
        with self.station.database.session() as session:
            calling_off.stop(session, broadcast, "account:test@example", now())
        await until(lambda: self.state(broadcast) not in ("planned", "calling", "on_air"), "the end", 30)
        return self.deliveries(broadcast)

    @contextlib.asynccontextmanager
    async def confirming(self, name: str = "desk", zone: str = ALL) -> AsyncIterator[SoftPhone]:
        """Call as an official, choose the zone, and stop before the key that goes live; hang up in the end."""
        async with SoftPhone(server=self.station.server, id=name, password=PASSWORD, bind="127.0.0.1") as phone:
            await phone.registered()
            await phone.call("1900")
            for keys in (f"{PIN}#", "1", f"{zone}#"):
                await phone.digits(keys)
            yield phone
            await phone.hang_up()
            await phone.ended()

    @staticmethod
    def noise(seconds: float) -> Sound:
        """Return a voice that is never silent."""
        return Sound(np.random.default_rng(1).normal(0, 0.1, round(seconds * 8000)).astype(np.float32), 8000)

    def newest(self) -> Broadcast | None:
        """Return the newest broadcast."""
        with self.station.database.session() as session:
            return session.scalars(sa.select(Broadcast).order_by(Broadcast.id.desc()).limit(1)).first()

    def newest_live(self) -> int:
        """Return the id of the newest broadcast of a live voice."""
        with self.station.database.session() as session:
            newest = sa.select(sa.func.max(Broadcast.id)).where(Broadcast.kind == Kind.LIVE)
            return session.scalars(newest).one()

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
