"""Composes the sounds of a station: prompts in its languages, and its own signals."""

from pathlib import Path

from broadcast_bridge.studio.studio import Sounds
from haichieu.audio.tones import write_tones
from haichieu.database import Database
from haichieu.speech.synthesis import EspeakSynthesiser
from ivr.prompts.station import FALLBACK_LANGUAGE, station_prompts
from ivr.prompts.store import PromptStore

__all__ = ["FALLBACK_LANGUAGE", "open_prompts", "studio_sounds"]


def open_prompts(home: Path, database: Database) -> PromptStore:
    """The prompts of the station in `home`, see `ivr.prompts.station`."""
    return station_prompts(home, database, EspeakSynthesiser())


def studio_sounds(home: Path) -> Sounds:
    """The chimes and the tone that says "speak", made in the home when they are not there."""
    paths = write_tones(home / "media" / "signals")
    return Sounds(str(paths["attention"]), str(paths["closing"]), str(paths["ready"]), str(paths["siren"]))
