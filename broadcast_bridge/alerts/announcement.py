"""Text of an alert for speech synthesis: sender, event, area and instructions."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from broadcast_bridge.alerts.cap import Alert, Info, MessageType, Status
from broadcast_bridge.alerts.priorities import highest_of
from broadcast_bridge.broadcasts.states import Priority

LONGEST_TEXT = 1500
"""Characters, about two minutes. Nobody listens to longer texts, and an emergency is repeated anyway."""


@dataclass(frozen=True)
class _Words:
    """The station's own phrases around an alert, in one language."""

    opening: dict[Priority, str]
    exercise: str
    test: str
    all_clear: str
    where: str
    update: str


_WORDS = {
    "vi": _Words(
        opening={
            Priority.EMERGENCY: "Thông báo khẩn của {sender}.",
            Priority.PRIORITY: "Thông báo quan trọng của {sender}.",
            Priority.NORMAL: "Thông báo của {sender}.",
        },
        exercise="Đây là diễn tập, không phải tình huống thật.",
        test="Đây là thông báo thử, không phải tình huống thật.",
        all_clear="Thông báo của {sender}. Cảnh báo trước đó đã được hủy bỏ.",
        where="Khu vực: {areas}.",
        update="Tin này thay thế thông báo trước.",
    ),
    "en": _Words(
        opening={
            Priority.EMERGENCY: "Emergency announcement from {sender}.",
            Priority.PRIORITY: "Important announcement from {sender}.",
            Priority.NORMAL: "Announcement from {sender}.",
        },
        exercise="This is an exercise, not a real event.",
        test="This is a test, not a real event.",
        all_clear="Announcement from {sender}. The earlier alert has been cancelled.",
        where="Area: {areas}.",
        update="This replaces the earlier announcement.",
    ),
}


def text_to_speak(
    alert: Alert,
    language: str,
    sender: str = "",
    infos: Sequence[Info] | None = None,
    limit: Priority = Priority.EMERGENCY,
) -> str:
    """Return the text to be spoken in a language (ISO 639), at most LONGEST_TEXT characters, or "" if there is none.

    `sender` is used when the alert has no `senderName`; `infos` are those still valid, by default all; `limit` is the
    highest priority that the words may claim. A text that is too long loses the end of its description, sentence by
    sentence, before its instruction is shortened.
    """
    chosen = [info for info in (alert.infos if infos is None else infos) if info.base_language == language]
    if not chosen:
        return ""
    words = _WORDS.get(language)
    before, after = [], []
    if words:
        cancels = alert.message_type is MessageType.CANCEL
        frame = words.all_clear if cancels else words.opening[highest_of(chosen, limit)]
        before.append(
            frame.format(sender=_plain(_first(info.sender_name for info in chosen) or sender or alert.sender))
        )
        if alert.status in (Status.EXERCISE, Status.TEST):
            before.append(words.exercise if alert.status is Status.EXERCISE else words.test)
        if alert.message_type is MessageType.UPDATE:
            before.append(words.update)
    before += [_sentence(info.headline or info.event) for info in chosen]
    areas = ", ".join(dict.fromkeys(_plain(area.description) for info in chosen for area in info.areas))
    if words and areas:
        before.append(words.where.format(areas=areas))
    after += [_sentence(info.instruction) for info in chosen]
    fixed = " ".join([*_distinct(before), *_distinct(after)])
    room = LONGEST_TEXT - len(fixed) - 1
    middle = _shortened(" ".join(_distinct(_sentence(info.description) for info in chosen)), room)
    text = " ".join(part for part in [*_distinct(before), middle, *_distinct(after)] if part)
    return _shortened(text, LONGEST_TEXT)


def all_clear(alert: Alert, language: str, sender: str) -> str:
    """Return the text spoken when an alert is cancelled: its own if it has one, otherwise the station's."""
    own = text_to_speak(alert, language, sender)
    return own or _WORDS[language if language in _WORDS else "vi"].all_clear.format(sender=_plain(sender))


def _plain(text: str) -> str:
    """Return the text on one line, without control and format characters."""
    kept = (c if not unicodedata.category(c).startswith("C") else " " for c in unicodedata.normalize("NFC", text))
    return " ".join("".join(kept).split())


def _sentence(text: str) -> str:
    plain = _plain(text)
    return plain if not plain or plain[-1] in ".!?…" else f"{plain}."


def _distinct(parts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(part for part in parts if part))


def _first(parts: Iterable[str]) -> str:
    return next((part for part in parts if part), "")


def _shortened(text: str, limit: int) -> str:
    """Return the text cut after the last whole sentence that fits, or after the last word when no sentence fits."""
    if len(text) <= limit:
        return text
    if limit < 1:
        return ""
    head = text[:limit]
    for end in (max(head.rfind(". "), head.rfind("! "), head.rfind("? ")) + 1, head.rfind(" ")):
        if end > 0:
            return head[:end].strip()
    return head
