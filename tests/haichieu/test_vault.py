import stat
import threading
from pathlib import Path

import pytest

from haichieu.errors import EnvironmentProblem, SettingsError
from haichieu.vault import Vault, hash_secret, open_vault, secret_matches
from tests.cheap_hashes import real_hashes

__all__ = ["real_hashes"]


@pytest.mark.usefixtures("real_hashes")
def test_a_real_hash_matches_its_secret_and_meets_the_owasp_floor() -> None:
    hashed = hash_secret("246810")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert secret_matches(hashed, "246810")
    assert not secret_matches(hashed, "246811")


def test_a_hash_matches_its_secret_alone() -> None:
    hashed = hash_secret("246810")
    assert "246810" not in hashed
    assert secret_matches(hashed, "246810")
    assert not secret_matches(hashed, "246811")


@pytest.mark.parametrize("hashed", [None, "", "not a hash"])
def test_nothing_matches_what_is_no_hash(hashed: str | None) -> None:
    assert not secret_matches(hashed, "")
    assert not secret_matches(hashed, "246810")


def test_a_secret_comes_back_and_is_not_readable_in_between(tmp_path: Path) -> None:
    locked = open_vault(tmp_path).lock("mật khẩu của loa")
    assert "mật" not in locked
    assert open_vault(tmp_path).unlock(locked) == "mật khẩu của loa"


def test_the_key_is_for_the_stations_user_only(tmp_path: Path) -> None:
    open_vault(tmp_path)
    assert stat.S_IMODE((tmp_path / "secrets" / "station.key").stat().st_mode) == 0o600


def test_another_stations_key_opens_nothing_and_says_so(tmp_path: Path) -> None:
    locked = open_vault(tmp_path / "a").lock("secret")
    with pytest.raises(EnvironmentProblem, match=r"station\.key"):
        open_vault(tmp_path / "b").unlock(locked)


def test_a_damaged_key_is_a_clear_sentence() -> None:
    with pytest.raises(SettingsError, match="restore it"):
        Vault(b"short")


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    locked: list[str] = []
    threads = [threading.Thread(target=lambda: locked.append(open_vault(tmp_path).lock("x"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [open_vault(tmp_path).unlock(one) for one in locked] == ["x"] * 8
