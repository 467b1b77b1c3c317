"""`haichieu model`: check the speech model, or fetch it."""

import sys
from pathlib import Path

from feedback.transcription.model_download import fetch_model
from feedback.transcription.model_folder import default_folder, delivered_model, require, require_delivered
from haichieu.command_language import say
from haichieu.errors import UsageError
from haichieu.settings import Settings


def require_known(name: str) -> None:
    """Raise UsageError unless the name is empty or that of a model whose digests are known."""
    known = delivered_model().name
    if name and name != known:
        raise UsageError("cli.model.unknown", name=name, known=known)


def ensure_model(settings: Settings) -> None:
    """Fetch the delivered model unless it is there; a custom model is only checked. Raises FetchFailed."""
    folder = settings.asr_model or default_folder()
    if _is_custom(settings, folder):
        check_model(settings)
        return
    fetched = fetch_model(folder, delivered_model())
    print(say("cli.model.fetched" if fetched else "cli.model.present", folder=folder), file=sys.stderr)


def check_model(settings: Settings) -> None:
    """Check that the model is complete. Raises ModelUnusable with the damaged file and what to do."""
    folder = settings.asr_model or default_folder()
    require(folder)
    if _is_custom(settings, folder):
        print(say("cli.model.custom", folder=folder))
        return
    require_delivered(folder, delivered_model())
    print(say("cli.model.whole", folder=folder))


def _is_custom(settings: Settings, folder: Path) -> bool:
    """Return whether the operator named and filled the folder. We know no digests of it and never replace it."""
    return settings.asr_model is not None and folder.is_dir() and any(folder.iterdir())
