"""Text of an alert for speech synthesis: sender, event, area and instructions."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from broadcast_bridge.alerts.cap import Alert, Info, MessageType, Status
from broadcast_bridge.alerts.languages import is_latin
from broadcast_bridge.alerts.markup import without_markup
from broadcast_bridge.alerts.priorities import highest_of
from broadcast_bridge.broadcasts.states import Priority
from haichieu.locale import FALLBACK, render_key

LONGEST_TEXT = 1500
"""Characters, about two minutes. Nobody listens to longer texts, and an emergency is repeated anyway."""
LONGEST_LIST = 400
"""Characters of the names of areas."""

_RESPONSES = ("evacuate", "shelter", "avoid", "prepare", "execute", "monitor")


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
    chosen = [
        info for info in (alert.infos if infos is None else infos) if info.language == language and info.says_something
    ]
    if not chosen:
        return ""
    words = _WORDS.get(language)
    before, after = [], []
    if words:
        before += _opening(words, alert, _sender(alert, chosen, sender), highest_of(chosen, limit))
    before += [_title(info) for info in chosen]
    areas = _listed(_plain(area.description) for info in chosen for area in info.areas)
    if words and areas:
        before.append(words.where.format(areas=areas))
    after += [_sentence(info.instruction) for info in chosen]
    fixed = " ".join([*_distinct(before), *_distinct(after)])
    room = LONGEST_TEXT - len(fixed) - 1
    middle = _shortened(" ".join(_distinct(_sentence(info.description) for info in chosen)), room)
    text = " ".join(part for part in [*_distinct(before), middle, *_distinct(after)] if part)
    return _shortened(text, LONGEST_TEXT)


def text_in_own_words(
    alert: Alert, language: str, sender: str, infos: Sequence[Info], priority: Priority, areas: str
) -> str:
    """Return what the station can say in a language about an alert whose text is in a language without a voice.

    The names of its units in the area are in the station's language, and the response types have fixed meanings.
    """
    spoken = language if language in _WORDS else FALLBACK
    words = _WORDS[spoken]
    readable = [info for info in infos if _can_be_read(_plain(info.sender_name))]
    parts = _opening(words, alert, _sender(alert, readable, sender), priority)
    if alert.message_type is not MessageType.CANCEL:
        parts += [title for title in map(_title, infos) if _can_be_read(title)]
        parts += [words.where.format(areas=areas)] if areas else []
        responses = {response for info in infos for response in info.response_types}
        parts += [render_key(spoken, f"alert.spoken.{name}", {}) for name in _RESPONSES if name.title() in responses]
        parts.append(render_key(spoken, "alert.spoken.other_language", {}))
    return _shortened(" ".join(_distinct(parts)), LONGEST_TEXT)


def all_clear(alert: Alert, language: str, sender: str) -> str:
    """Return the text spoken when an alert is cancelled: its own if it has one, otherwise the station's."""
    own = text_to_speak(alert, language, sender)
    return own or _WORDS[language if language in _WORDS else "vi"].all_clear.format(sender=_plain(sender))


def _opening(words: _Words, alert: Alert, sender: str, priority: Priority) -> list[str]:
    frame = words.all_clear if alert.message_type is MessageType.CANCEL else words.opening[priority]
    parts = [frame.format(sender=sender)]
    if alert.status in (Status.EXERCISE, Status.TEST):
        parts.append(words.exercise if alert.status is Status.EXERCISE else words.test)
    if alert.message_type is MessageType.UPDATE:
        parts.append(words.update)
    return parts


def _sender(alert: Alert, infos: Iterable[Info], sender: str) -> str:
    return _plain(_first(info.sender_name for info in infos) or sender or alert.sender)


def _can_be_read(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return bool(letters) and all(map(is_latin, letters))


def _plain(text: str) -> str:
    """Return the text on one line, without markup, control and format characters."""
    words = unicodedata.normalize("NFC", without_markup(text))
    kept = (c if not unicodedata.category(c).startswith("C") else " " for c in words)
    return " ".join("".join(kept).split())


def _title(info: Info) -> str:
    return _sentence(info.headline) or _sentence(info.event)


def _listed(names: Iterable[str]) -> str:
    """Return the first names of a list that would leave no room for the instruction."""
    return _shortened(", ".join(_distinct(names)), LONGEST_LIST).rstrip(",")


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
