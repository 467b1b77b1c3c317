"""The voices that a form offers."""

from admin.layout.language import say
from admin.panel import Panel
from haichieu.errors import UsageError
from haichieu.speech.station_voices import voice_names
from haichieu.speech.voice_choice import LONGEST_VOICE


def voice_choices(panel: Panel, chosen: str | None) -> list[tuple[str, str]]:
    """Return the installed voices with their texts, and the chosen one marked if it is not installed."""
    names = voice_names(panel.settings)
    missing = [(chosen, say("voices.not_installed", voice=chosen))] if chosen and chosen not in names else []
    return [*missing, *((name, name) for name in names)]


def voice_from(name: str) -> str | None:
    """Return the voice that a form names; one that is not installed yet is accepted. Raises UsageError."""
    name = name.strip()
    if len(name) > LONGEST_VOICE or not name.isprintable():
        raise UsageError("panel.voices.wrong", most=LONGEST_VOICE)
    return name or None
