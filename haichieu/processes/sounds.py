"""Composition of a station's sounds: prompts in its languages, chimes and tones."""

from pathlib import Path

from broadcast_bridge.studio.broadcast_plan import Sounds
from haichieu.audio.tones import write_tones
from haichieu.processes.opened_station import OpenedStation
from ivr.prompts.station_prompts import FALLBACK_LANGUAGE, station_prompts
from ivr.prompts.store import PromptStore

__all__ = ["FALLBACK_LANGUAGE", "open_prompts", "studio_sounds"]


def open_prompts(station: OpenedStation) -> PromptStore:
    """Return the prompts of the station; see `ivr.prompts.station_prompts`."""
    return station_prompts(station.home, station.database, station.synthesiser)


def studio_sounds(home: Path) -> Sounds:
    """Return the chimes and the tone that asks callers to speak; they are made in the home on first use."""
    paths = write_tones(home / "media" / "signals")
    return Sounds(str(paths["attention"]), str(paths["closing"]), str(paths["ready"]), str(paths["siren"]))
