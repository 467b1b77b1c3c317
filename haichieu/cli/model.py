"""`haichieu model`: the speech model, checked or fetched."""

import sys
from pathlib import Path

from feedback.transcription.model_download import fetch_model
from feedback.transcription.model_folder import default_folder, delivered_model, require, require_delivered
from haichieu.settings import Settings


def ensure_model(settings: Settings) -> None:
    """Have a model: an operator's own is left alone, the delivered one is fetched. Raises FetchFailed."""
    folder = settings.asr_model or default_folder()
    if _is_own(settings, folder):
        check_model(settings)
        return
    if fetch_model(folder, delivered_model()):
        print(f"Đã tải mô hình nhận dạng / fetched the speech model: {folder}", file=sys.stderr)
    else:
        print(f"Mô hình nhận dạng đã có / the speech model is there: {folder}", file=sys.stderr)


def check_model(settings: Settings) -> None:
    """Say that the model is whole. Raises ModelUnusable: which file, and what to do."""
    folder = settings.asr_model or default_folder()
    require(folder)
    if _is_own(settings, folder):
        print(f"Mô hình riêng của đài / a model of your own: {folder}")
        return
    require_delivered(folder, delivered_model())
    print(f"Mô hình nguyên vẹn / the speech model is whole: {folder}")


def _is_own(settings: Settings, folder: Path) -> bool:
    """A folder that the operator named and filled; what is in it is not ours to judge by digests, or to replace."""
    return settings.asr_model is not None and folder.is_dir() and any(folder.iterdir())
