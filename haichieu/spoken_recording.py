"""Recordings of callers as Asterisk left them: whether anything was said, and the silence around it."""

from pathlib import Path

from haichieu.audio.sound import measure, read_wav, without_silent_ends, write_wav
from haichieu.spool import HEADER_BYTES, close_wav

SPEECH_SECONDS = 0.2
"""A recording with less speech than this is silent: a click of the line, or the end of a key tone. Words are longer."""

MARGIN_SECONDS = 0.4
"""Silence that stays before and after the speech."""


def has_speech(wav: Path) -> bool:
    """Return whether a recording contains speech; its header may lack the length. Raises UnreadableSound.

    In doubt the caller is believed: anything louder than line noise and longer than a click counts.
    """
    try:
        if wav.stat().st_size <= HEADER_BYTES:
            return False
    except FileNotFoundError:
        return False
    close_wav(wav)
    return measure(read_wav(wav)).active_seconds >= SPEECH_SECONDS


def cut_silence(wav: Path) -> None:
    """Cut the silence before and after the speech: the caller was listening to the instructions, or had finished."""
    sound = read_wav(wav)
    speech = without_silent_ends(sound, MARGIN_SECONDS)
    if len(speech.samples) < len(sound.samples):
        cut = wav.with_suffix(".cut")
        write_wav(cut, speech)
        cut.replace(wav)
