"""The loudspeakers that listen in the demonstration.

One of them is Baresip, software by other developers, so that not all evidence comes from code of this project. A system
without Baresip uses the project's own loudspeaker for all.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from haichieu.audio.sound import Sound, read_wav
from haichieu.demo.baresip_speaker import PROGRAM, BaresipSpeaker, installed_version
from haichieu.demo.soft_speaker import SoftSpeaker

OWN_SOFTWARE = "haichieu"
CODES = ("cb-01", "cb-02", "cb-03")
OF_OTHER_DEVELOPERS = "cb-03"


@dataclass(frozen=True)
class Listener:
    """One loudspeaker: its software, and a function that returns everything it has heard so far."""

    software: str
    heard: Callable[[], Sound]


async def switch_on(server: str, folder: Path, stack: AsyncExitStack) -> dict[str, Listener]:
    """Start the loudspeakers and wait until they are registered; return them by code. The stack ends them."""
    version = installed_version()
    listeners = {}
    for code in CODES:
        password = f"speaker-{code}-secret"
        if version is not None and code == OF_OTHER_DEVELOPERS:
            baresip = await stack.enter_async_context(
                BaresipSpeaker(server=server, id=code, password=password, folder=folder / code)
            )
            await baresip.registered()
            listeners[code] = Listener(f"{PROGRAM} {version}", baresip.heard)
        else:
            wav = folder / f"{code}.wav"
            own = await stack.enter_async_context(
                SoftSpeaker(server=server, id=code, password=password, record=wav, bind="127.0.0.1")
            )
            await own.registered()
            listeners[code] = Listener(OWN_SOFTWARE, partial(read_wav, wav))
    return listeners


def all_are_our_own(listeners: dict[str, Listener]) -> bool:
    """Return whether no loudspeaker is software by other developers."""
    return all(listener.software == OWN_SOFTWARE for listener in listeners.values())
