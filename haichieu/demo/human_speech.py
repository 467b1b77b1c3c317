"""Human speech that comes with every Asterisk, for demonstrations."""

import subprocess
from pathlib import Path

from dialplans.installation import Installation


def human_speech(installation: Installation, folder: Path, name: str, seconds: float) -> Path:
    """Return a speech of Asterisk's, cut to the length of a short announcement."""
    wav = folder / f"{name}.wav"
    source = installation.data / "sounds" / "en" / f"{name}.gsm"
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-i", source, "-t", str(seconds), "-ar", "8000", wav], check=True
    )
    return wav
