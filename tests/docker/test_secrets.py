"""The secrets of a station in containers: made once, for its owner's eyes."""

import subprocess
from pathlib import Path

MAKE_SECRETS = Path(__file__).parent.parent.parent / "docker/make-secrets"


def make_secrets(file: Path) -> int:
    return subprocess.run([str(MAKE_SECRETS), str(file)], capture_output=True, check=False).returncode


def test_password_is_long_random_and_private(tmp_path: Path) -> None:
    files = [tmp_path / "one", tmp_path / "other"]
    assert [make_secrets(file) for file in files] == [0, 0]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
    passwords = {file.read_text().splitlines()[0].removeprefix("HAICHIEU_DATABASE_PASSWORD=") for file in files}
    assert [len(password) for password in passwords] == [48, 48]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "other"]


def test_password_in_use_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    make_secrets(file)
    before = file.read_text()
    assert make_secrets(file) == 1
    assert file.read_text() == before
