"""Attachments of messages: photographs, documents and sounds in the media store.

The first bytes decide the type of a file; its name and the declared type are ignored.
"""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from feedback.models import Attachment, Message
from haichieu.errors import HaiChieuError
from haichieu.media import MediaStore, Stored

MOST_BYTES = 10_000_000
MOST_IN_A_MESSAGE = 10
LONGEST_NAME = 120

_KINDS = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg", ".jpg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png", ".png"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp", ".webp"),
    (re.compile(rb"%PDF-"), "application/pdf", ".pdf"),
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "audio/wav", ".wav"),
    (re.compile(rb"ID3|\xff[\xf2\xf3\xfb]"), "audio/mpeg", ".mp3"),
    (re.compile(rb"OggS"), "audio/ogg", ".ogg"),
    (re.compile(rb"....ftyp", re.DOTALL), "video/mp4", ".mp4"),
)
"""First bytes, content type, and file extension."""


class AttachmentRefused(HaiChieuError):
    """The file is empty, too large, of an unsupported type, or one too many."""


@dataclass(frozen=True)
class Uploaded:
    """An uploaded file in the media store, with the name and type under which it is shown."""

    stored: Stored
    name: str
    content_type: str


def put(store: MediaStore, file: Path, name: str) -> Uploaded:
    """Put a copy of a file into the store, outside of a transaction. Raises AttachmentRefused; nothing is stored."""
    size = file.stat().st_size
    if not 0 < size <= MOST_BYTES:
        raise AttachmentRefused("case.attachment.size", count=size, most=MOST_BYTES // 1_000_000)
    with file.open("rb") as content:
        beginning = content.read(16)
    for pattern, content_type, ending in _KINDS:
        if pattern.match(beginning):
            return Uploaded(store.put_original(file, ending, 0.0), harmless_name(name, ending), content_type)
    raise AttachmentRefused("case.attachment.kind")


def attach(session: Session, store: MediaStore, message: Message, file: Uploaded) -> Attachment:
    """Attach a file to a message. Raises AttachmentRefused."""
    if len(message.attachments) >= MOST_IN_A_MESSAGE:
        raise AttachmentRefused("case.attachment.too_many", count=MOST_IN_A_MESSAGE)
    attachment = Attachment(media=store.add(session, file.stored), name=file.name, content_type=file.content_type)
    message.attachments.append(attachment)
    session.flush()
    return attachment


def harmless_name(name: str, ending: str) -> str:
    """Return a name that is safe to show and to save under: no folders, no control characters, the true extension."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    visible = "".join(sign for sign in last if unicodedata.category(sign)[0] not in "CZ" or sign == " ")
    stem = re.sub(r'[<>:"|?*]', "_", visible).rpartition(".")[0] or visible
    return (stem.strip(" .")[: LONGEST_NAME - len(ending)].rstrip(" .") or "tep") + ending
