"""Composes the sounds of a station: prompts in its languages, and its own signals."""

from pathlib import Path

from broadcast_bridge.studio import Sounds
from haichieu.audio.tones import write_tones
from haichieu.database import Database
from haichieu.speech import EspeakSynthesiser, SpeechCache
from haichieu.station import the_station
from ivr.prompt_store import PromptStore
from ivr.prompt_texts import PromptTexts

FALLBACK_LANGUAGE = "vi"


def open_prompts(home: Path, database: Database) -> PromptStore:
    """The prompts of the station in `home`: recordings in `prompts/`, synthesised speech in `media/speech/`."""
    with database.session() as session:
        languages = the_station(session).languages
    cache = SpeechCache(home / "media" / "speech", EspeakSynthesiser())
    return PromptStore(PromptTexts.delivered(), cache, home / "prompts", languages, FALLBACK_LANGUAGE)


def studio_sounds(home: Path) -> Sounds:
    """The chimes and the tone that says "speak", made in the home when they are not there."""
    paths = write_tones(home / "media" / "signals")
    return Sounds(str(paths["attention"]), str(paths["closing"]), str(paths["ready"]), str(paths["siren"]))
