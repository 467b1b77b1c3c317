"""Errors of sound files."""

from haichieu.errors import HaiChieuError


class AudioError(HaiChieuError):
    """Something is wrong with a sound or its file."""


class UnreadableSound(AudioError):
    """The file is missing, is no WAV, or has a sample format that is not read here."""
