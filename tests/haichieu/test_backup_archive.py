"""The file of a backup: hostile, damaged and encrypted ones."""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from haichieu.backup import encryption
from haichieu.backup.archive import DATABASE, MANIFEST, SUMS, Manifest, is_encrypted, unpack, writing
from haichieu.backup.errors import BackupDamaged, BackupFailed, PassphraseNeeded

ABOUT = Manifest(version="1", revision="1", database="sqlite", station="x", made_at="2026-11-24", bytes=1000)
CHUNK = 64


@pytest.fixture(autouse=True)
def quick_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "_COST", 2)
    monkeypatch.setattr(encryption, "_CHUNK", CHUNK)


def write(path: Path, passphrase: str = "", **members: bytes) -> Path:
    with path.open("wb") as file, writing(file, passphrase, lambda: None) as archive:
        archive.add_text(MANIFEST, ABOUT.model_dump_json())
        for name, data in {DATABASE: b"rows", **members}.items():
            archive.add(name, io.BytesIO(data), len(data))
    return path


def accept(_: Manifest) -> None:
    """Accept every manifest."""


def unpacked(path: Path, folder: Path, passphrase: str = "") -> dict[str, bytes]:
    folder.mkdir()
    unpack(path, passphrase, folder, accept)
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("passphrase", ["", "passphrase"])
@pytest.mark.parametrize("length", [0, 1, CHUNK, 900])
def test_members_come_back(tmp_path: Path, passphrase: str, length: int) -> None:
    members = {"media/ab/x.wav": bytes(range(256))[:length] * 4}
    file = write(tmp_path / "a", passphrase, **{name: data[:length] for name, data in members.items()})
    assert is_encrypted(file) == bool(passphrase)
    assert unpacked(file, tmp_path / "out", passphrase) == {
        DATABASE: b"rows", **{name: data[:length] for name, data in members.items()}
    }  # fmt: skip


def test_ordinary_tools_read_a_backup_that_is_not_encrypted(tmp_path: Path) -> None:
    with tarfile.open(write(tmp_path / "a"), "r:gz") as archive:
        assert archive.getnames() == [MANIFEST, DATABASE, SUMS]
        sums = archive.extractfile(SUMS)
        assert sums is not None
        assert f"{hashlib.sha256(b'rows').hexdigest()}  {DATABASE}\n" in sums.read().decode()


@pytest.mark.parametrize("passphrase", ["", "passphrase"])
def test_every_truncation_is_refused(tmp_path: Path, passphrase: str) -> None:
    whole = write(tmp_path / "a", passphrase).read_bytes()
    for length in [*range(16, len(whole), 37), len(whole) - 1]:
        (tmp_path / "b").write_bytes(whole[:length])
        with pytest.raises((BackupDamaged, PassphraseNeeded)):
            unpacked(tmp_path / "b", tmp_path / str(length), passphrase)


def test_every_altered_byte_of_an_encrypted_backup_is_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "a", "passphrase").read_bytes()
    for position in range(16, len(whole), 13):
        (tmp_path / "b").write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises((BackupDamaged, PassphraseNeeded)):
            unpacked(tmp_path / "b", tmp_path / str(position), "passphrase")


def test_exchanged_and_repeated_chunks_are_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "a", "passphrase").read_bytes()
    begin, size = 32, CHUNK + 16
    one, two, rest = whole[begin : begin + size], whole[begin + size : begin + 2 * size], whole[begin + 2 * size :]
    for number, chunks in enumerate((two + one + rest, one + one + rest, one + rest, one + two)):
        (tmp_path / "b").write_bytes(whole[:begin] + chunks)
        with pytest.raises((BackupDamaged, PassphraseNeeded)):
            unpacked(tmp_path / "b", tmp_path / str(number), "passphrase")


def hostile(path: Path, *members: tarfile.TarInfo, sums: dict[str, str] | None = None) -> Path:
    """Write an archive with these members, whose digests are right unless `sums` are given."""
    about = ABOUT.model_dump_json().encode()
    right = {MANIFEST: hashlib.sha256(about).hexdigest(), DATABASE: hashlib.sha256(b"rows").hexdigest()}
    right |= {member.name: hashlib.sha256(bytes(member.size)).hexdigest() for member in members}
    text = "".join(f"{digest}  {name}\n" for name, digest in (right if sums is None else sums).items()).encode()
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w|") as archive:
        for name, data in ((MANIFEST, about), (DATABASE, b"rows")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for member in members:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
        last = tarfile.TarInfo(SUMS)
        last.size = len(text)
        archive.addfile(last, io.BytesIO(text))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, target, size
    return made


@pytest.mark.parametrize(
    "bad",
    [
        member("../outside"),
        member("media/../../outside"),
        member("/tmp/outside"),
        member("media//x"),
        member("etc/asterisk.conf"),
        member("media"),
        member("media/link", tarfile.SYMTYPE, "/etc"),
        member("media/link", tarfile.LNKTYPE, DATABASE),
        member("media/device", tarfile.CHRTYPE),
        member("media/pipe", tarfile.FIFOTYPE),
        member("media/folder", tarfile.DIRTYPE),
        member("media/large", size=2000),
    ],
    ids=lambda bad: f"{bad.name}-{bad.type.decode()}",
)
def test_hostile_members_are_refused_and_write_nothing_outside(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    file = hostile(tmp_path / "a", bad)
    with pytest.raises(BackupDamaged):
        unpacked(file, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "out"]


def test_member_of_which_no_digest_is_known_is_refused(tmp_path: Path) -> None:
    assert unpacked(hostile(tmp_path / "good", member("media/x")), tmp_path / "out")["media/x"] == b""
    with pytest.raises(BackupDamaged):
        unpacked(hostile(tmp_path / "a", member("media/x"), sums={}), tmp_path / "b")
    with pytest.raises(BackupDamaged):
        unpacked(hostile(tmp_path / "a", member("media/x"), member("media/x")), tmp_path / "c")


def test_manifest_can_be_refused_before_anything_is_written(tmp_path: Path) -> None:
    def refuse(manifest: Manifest) -> None:
        raise BackupFailed("backup.newer", version=manifest.version)

    (tmp_path / "out").mkdir()
    with pytest.raises(BackupFailed, match="version"):
        unpack(write(tmp_path / "a"), "", tmp_path / "out", refuse)
    assert list((tmp_path / "out").iterdir()) == []


def test_other_files_are_not_taken_for_a_backup(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"PK\3\4")
    (tmp_path / "b").write_bytes(gzip.compress(b"no archive"))
    with pytest.raises(BackupDamaged, match="not a backup"):
        unpacked(tmp_path / "a", tmp_path / "1")
    with pytest.raises(BackupDamaged):
        unpacked(tmp_path / "b", tmp_path / "2")
    with pytest.raises(BackupDamaged, match="cannot be read"):
        unpacked(tmp_path / "c", tmp_path / "3")
