"""`haichieu voice`: list the voices, or fetch one."""

from pathlib import Path

from rich.table import Table

from haichieu.command_language import said, say, terminal
from haichieu.download_bar import download_bar
from haichieu.settings import Settings
from haichieu.speech.station_voices import station_voices
from haichieu.speech.voice_catalogue import fetch_voice, fetchable_voices, is_whole, voice_named
from haichieu.speech.voices import default_folder, find_voice, usable_voices


def list_voices(settings: Settings) -> int:
    """Print the voices in use, those on disk and those that can be fetched; return 1 if one cannot be used."""
    folder, console = _folder(settings), terminal()
    voices = station_voices(settings)
    for language, name in voices.spoken_by().items():
        console.print(say("cli.voice.speaks", language=language, name=name))
    problems = voices.chosen().problems.values()
    for problem in problems:
        console.print(f"! {said(problem)}")
    console.print(say("cli.voice.folder", folder=folder))
    table = Table(box=None, show_header=False)
    known = fetchable_voices()
    for voice in known:
        state = say("cli.voice.there" if is_whole(voice, folder) else "cli.voice.to_fetch")
        table.add_row(voice.name, voice.language, f"{voice.bytes // 1_000_000} MB", state, voice.licence)
    for own in usable_voices(folder):
        if own.name not in {voice.name for voice in known}:
            size = own.model.stat().st_size // 1_000_000
            table.add_row(own.name, own.language, f"{size} MB", say("cli.voice.there"), say("cli.voice.by_hand"))
    console.print(table)
    return 1 if problems else 0


def run_fetch(settings: Settings, name: str, base: str) -> None:
    """Download a voice of the catalogue, and print its licence and credit. Raises UnknownVoice or DownloadFailed."""
    folder, voice = _folder(settings), voice_named(name, fetchable_voices())
    if is_whole(voice, folder):
        print(say("cli.voice.present", name=name, folder=folder))
    else:
        with download_bar(voice.name, voice.bytes) as progress:
            fetch_voice(voice, folder, base, progress)
        print(say("cli.voice.fetched", name=find_voice(folder, name).name, folder=folder))
    print(say("cli.voice.licence", licence=voice.licence, credit=voice.credit))


def _folder(settings: Settings) -> Path:
    return settings.voice_folder or default_folder()
