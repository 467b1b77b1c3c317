"""`haichieu model`: check the speech model and list those that can be fetched, or fetch one."""

import sys
from pathlib import Path

from rich.table import Table

from feedback.transcription.engines import NEEDED, own_model
from feedback.transcription.errors import ModelUnusable
from feedback.transcription.model_catalogue import SpeechModel, model_named, speech_models
from feedback.transcription.model_download import fetch_model
from feedback.transcription.model_folder import require, require_whole
from haichieu.command_language import say, terminal
from haichieu.download_bar import download_bar
from haichieu.settings import Settings


def ensure_model(settings: Settings, name: str, base: str) -> None:
    """Fetch a model of the catalogue unless it is there; without a name that of the settings.

    A custom model of the settings is only checked. Raises UnknownModel, FetchFailed or DownloadFailed.
    """
    model = _model_of(settings, name)
    if not name and _is_custom(settings):
        check_model(settings, name)
        return
    folder = model.folder if name else settings.asr_model or model.folder
    with download_bar(model.name, 0 if model.parts else model.bytes) as progress:
        fetched = fetch_model(folder, model, base, progress)
    print(say("cli.model.fetched" if fetched else "cli.model.present", folder=folder), file=sys.stderr)
    if name:
        print(say("cli.voice.licence", licence=model.licence, credit=model.credit), file=sys.stderr)
        print(say("cli.model.use", engine=model.engine, folder=folder), file=sys.stderr)


def check_model(settings: Settings, name: str) -> None:
    """Check that a model is complete and list the catalogue; without a name check the model of the settings.

    Raises UnknownModel, or ModelUnusable with the damaged file and what to do.
    """
    model = _model_of(settings, name)
    folder = model.folder if name else settings.asr_model or model.folder
    require(folder, NEEDED[model.engine])
    if not name and _is_custom(settings):
        print(say("cli.model.custom", folder=folder))
    else:
        require_whole(folder, model)
        print(say("cli.model.whole", folder=folder))
    _list()


def _model_of(settings: Settings, name: str) -> SpeechModel:
    """Return the model of this name; without one the model whose folder is set, else that of the engine."""
    models = speech_models()
    if name:
        return model_named(name, models)
    return next((one for one in models if one.folder == settings.asr_model), own_model(settings.transcriber))


def _list() -> None:
    table = Table(box=None, show_header=False)
    for model in speech_models():
        state = say("cli.voice.there" if _is_there(model) else "cli.voice.to_fetch")
        table.add_row(model.name, model.engine, f"{model.bytes // 1_000_000} MB", state, model.licence)
    terminal().print(table)


def _is_there(model: SpeechModel) -> bool:
    """Return whether the files of a model are there; their digests are not checked."""
    try:
        require(model.folder, NEEDED[model.engine])
    except ModelUnusable:
        return False
    return True


def _is_custom(settings: Settings) -> bool:
    """Return whether the operator named and filled the folder. We know no digests of it and never replace it."""
    folder: Path | None = settings.asr_model
    if folder is None or folder in {model.folder for model in speech_models()}:
        return False
    return folder.is_dir() and any(folder.iterdir())
