"""Composition of a station's sounds: prompts in its languages, chimes and tones."""

from collections.abc import Callable
from pathlib import Path

import structlog

from broadcast_bridge.broadcasts.states import Synthetic
from broadcast_bridge.studio.broadcast_plan import Sounds
from haichieu.audio.tones import write_tones
from haichieu.errors import HaiChieuError, shown
from haichieu.processes.opened_station import OpenedStation
from haichieu.station import the_station
from ivr.prompts.station_prompts import FALLBACK_LANGUAGE, station_prompts
from ivr.prompts.store import PromptStore

__all__ = ["FALLBACK_LANGUAGE", "open_prompts", "studio_sounds", "synthetic_label"]

log = structlog.get_logger()


def open_prompts(station: OpenedStation) -> PromptStore:
    """Return the prompts of the station; see `ivr.prompts.station_prompts`."""
    return station_prompts(station.home, station.database, station.synthesiser)


def synthetic_label(station: OpenedStation) -> Callable[[Synthetic], str]:
    """Return where the sound is that says how much of a broadcast is synthetic; nothing unless the station wants it.

    A label that cannot be made keeps no broadcast from the air.
    """
    if not station.settings.announce_synthetic:
        return lambda _: ""
    prompts = open_prompts(station)
    with station.database.reading() as session:
        language = the_station(session).language

    def label(share: Synthetic) -> str:
        if share is Synthetic.NONE:
            return ""
        try:
            prompts.look_again()
            return prompts.sound(f"synthetic-{share}", language)
        except HaiChieuError as problem:
            log.warning("broadcast.no_label", problem=shown(problem))
            return ""

    return label


def studio_sounds(home: Path) -> Sounds:
    """Return the chimes and the tone that asks callers to speak; they are made in the home on first use."""
    paths = write_tones(home / "media" / "signals")
    return Sounds(str(paths["attention"]), str(paths["closing"]), str(paths["ready"]), str(paths["siren"]))
