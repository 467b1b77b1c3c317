"""The prompts of a station: built-in texts, recordings in its home, and custom prompts."""

from pathlib import Path

from haichieu.database import Database
from haichieu.media import MediaStore
from haichieu.speech.synthesis import SpeechCache, Synthesiser
from haichieu.station import the_station
from ivr.prompts.custom import CustomPrompts
from ivr.prompts.prompt_texts import PromptTexts
from ivr.prompts.store import PromptStore

FALLBACK_LANGUAGE = "vi"


def station_prompts(
    home: Path, database: Database, synthesiser: Synthesiser, texts: PromptTexts | None = None
) -> PromptStore:
    """Return the prompts of the station in `home`:

    recordings in `prompts/` and the media store, speech in `media/speech/`.
    """
    own = CustomPrompts(database, MediaStore(home / "media", 0))
    own.look_again()
    with database.reading() as session:
        languages = the_station(session).languages
    cache = SpeechCache(home / "media" / "speech", synthesiser)
    return PromptStore(texts or PromptTexts.delivered(), cache, home / "prompts", languages, FALLBACK_LANGUAGE, own)
