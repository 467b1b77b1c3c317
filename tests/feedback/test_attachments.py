from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.cases.attachments import MOST_BYTES, MOST_IN_A_MESSAGE, AttachmentRefused, attach, harmless_name, put
from haichieu.database import Database
from haichieu.media import MediaStore
from tests.builders.cases import case, office

JPEG = b"\xff\xd8\xff\xe0" + bytes(100)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("ảnh cầu.JPG", "ảnh cầu.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\Windows\\x.exe", "x.jpg"),
        ("cau\u202egpj.exe", "caugpj.jpg"),
        ("a\x00b\n.jpg", "ab.jpg"),
        (".htaccess", "htaccess.jpg"),
        ('<b onclick="x">.jpg', "_b onclick=_x__.jpg"),
        ("", "tep.jpg"),
        ("...", "tep.jpg"),
        ("x" * 400 + ".jpg", "x" * 116 + ".jpg"),
    ],
)
def test_a_name_is_made_harmless(name: str, kept: str) -> None:
    assert harmless_name(name, ".jpg") == kept


@settings(deadline=None)
@given(st.text())
def test_whatever_a_file_is_called_it_gets_a_name_that_stays_in_its_folder(name: str) -> None:
    kept = harmless_name(name, ".pdf")
    assert Path(kept).name == kept
    assert 5 <= len(kept) <= 120
    assert kept.endswith(".pdf")


def test_a_file_is_kept_in_the_store_as_what_it_is(database: Database, tmp_path: Path) -> None:
    store = MediaStore(tmp_path / "media", 1)
    file = tmp_path / "picture.exe"
    file.write_bytes(JPEG)
    with database.session() as session:
        message = case(session, office(session)).messages[0]
        kept = attach(session, store, message, put(store, file, "cầu.exe"))
        assert (kept.name, kept.content_type) == ("cầu.jpg", "image/jpeg")
        assert store.path(kept.media).read_bytes() == JPEG
        for _ in range(MOST_IN_A_MESSAGE - 1):
            attach(session, store, message, put(store, file, "again.jpg"))
        with pytest.raises(AttachmentRefused, match="at most"):
            attach(session, store, message, put(store, file, "again.jpg"))


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "0 bytes"), (b"MZ\x90\x00", "Only"), (b"<html><script>", "Only"), (b"<?xml", "Only"), (None, "10,000,001")],
)
def test_what_is_not_taken_is_refused_and_not_kept(
    database: Database, tmp_path: Path, content: bytes | None, says: str
) -> None:
    store = MediaStore(tmp_path / "media", 1)
    file = tmp_path / "file.jpg"
    file.write_bytes(JPEG + bytes(MOST_BYTES + 1 - len(JPEG)) if content is None else content)
    with database.session() as session:
        message = case(session, office(session)).messages[0]
        with pytest.raises(AttachmentRefused, match=says):
            attach(session, store, message, put(store, file, "ảnh.jpg"))
        assert message.attachments == []
    assert not (tmp_path / "media").exists()
