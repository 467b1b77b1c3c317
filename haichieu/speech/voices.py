"""Piper voices on disk, and which of them speaks a language.

A voice is a pair of files of one name, as rhasspy/piper-voices publishes them: `NAME.onnx` and `NAME.onnx.json`. It
lies in the folder of voices, in a subfolder, or wherever the operator's setting points.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from haichieu.errors import HaiChieuError
from haichieu.locale import Message, message
from haichieu.speech.synthesis import ESPEAK

SMALLEST_MODEL = 1_000_000
"""Bytes; the smallest published voice has 20 million."""


class VoiceUnusable(HaiChieuError):
    """The files of a voice are missing or damaged, or it speaks another language."""


@dataclass(frozen=True)
class PiperVoice:
    """A voice whose files are there; `version` changes with their content."""

    name: str
    model: Path
    language: str
    version: str


@dataclass(frozen=True)
class Chosen:
    """The voices in use by language, and why a language that was to have one is left to espeak-ng.

    `installed` contains all voices by name; units and programmes may choose another than that of the language.
    """

    voices: Mapping[str, PiperVoice]
    problems: Mapping[str, Message]
    installed: Mapping[str, PiperVoice]


def default_folder() -> Path:
    """Return the folder of fetched voices, shared by all stations of this user."""
    return Path.home() / ".cache/haichieu/voices"


def read_voice(model: Path) -> PiperVoice:
    """Return the voice of a model file. Raises VoiceUnusable, naming what is wrong."""
    config = model.with_name(f"{model.name}.json")
    try:
        found = model.stat()
    except OSError:
        raise VoiceUnusable("voice.no_model", path=model) from None
    if found.st_size < SMALLEST_MODEL:
        raise VoiceUnusable("voice.model_incomplete", path=model)
    try:
        described = json.loads(config.read_bytes())
        language, rate = str(described["espeak"]["voice"]), int(described["audio"]["sample_rate"])
    except FileNotFoundError:
        raise VoiceUnusable("voice.no_config", path=config) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise VoiceUnusable("voice.config_damaged", path=config) from None
    version = f"{rate}/{found.st_size}/{int(found.st_mtime)}"
    return PiperVoice(model.name.removesuffix(".onnx"), model, language.split("-")[0].lower(), version)


def find_voice(folder: Path, name: str) -> PiperVoice:
    """Return a voice by its name in the folder, or by the path of its file or folder. Raises VoiceUnusable."""
    given = Path(name).expanduser()
    if given.is_absolute():
        models = [given] if given.suffix == ".onnx" else sorted(given.glob("*.onnx"))
        return read_voice(models[0] if models else given / "*.onnx")
    for model in _models(folder):
        if model.name == f"{name}.onnx":
            return read_voice(model)
    raise VoiceUnusable("voice.not_installed", name=name, folder=folder)


def usable_voices(folder: Path) -> list[PiperVoice]:
    """Return the voices in the folder that are whole, by name."""
    found = []
    for model in _models(folder):
        try:
            found.append(read_voice(model))
        except VoiceUnusable:
            continue
    return found


def choices(setting: str) -> dict[str, str]:
    """Return the voices by language of a setting, such as `vi=vi_VN-vais1000-medium,en=espeak-ng`."""
    pairs = (part.partition("=") for part in setting.split(",") if part.strip())
    return {language.strip().lower(): name.strip() for language, _, name in pairs}


def chosen_voices(folder: Path, setting: str) -> Chosen:
    """Return the voice of each language: the one of the setting, else the first in the folder by name."""
    usable = usable_voices(folder)
    voices = {voice.language: voice for voice in reversed(usable)}
    problems: dict[str, Message] = {}
    for language, name in choices(setting).items():
        voices.pop(language, None)
        if name == ESPEAK:
            continue
        try:
            voice = find_voice(folder, name)
            if voice.language != language:
                raise VoiceUnusable("voice.other_language", name=name, speaks=voice.language, wanted=language)
            voices[language] = voice
        except VoiceUnusable as problem:
            problems[language] = message("voice.fallback", language=language, why=problem.message)
    return Chosen(voices, problems, {voice.name: voice for voice in (*voices.values(), *usable)})


def _models(folder: Path) -> Iterator[Path]:
    yield from sorted([*folder.glob("*.onnx"), *folder.glob("*/*.onnx")], key=lambda model: model.name)
