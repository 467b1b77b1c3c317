"""Parts of a long text that are spoken one after the other: the first is short, so that it is on air soon."""

import re

FIRST, PART = 160, 900
"""Characters of the first part and of the others, about."""

_SENTENCE = re.compile(r".+?(?:(?<=[.!?…;:])\s+|\n+|$)", re.DOTALL)


def bulletin_parts(text: str) -> list[str]:
    """Cut a text at ends of sentences; one that is hardly longer than a part stays whole.

    A part without a letter or figure is joined to the one before. All parts together are the text.
    """
    if len(text) <= PART + FIRST:
        return [text]
    parts = [""]
    for sentence in _SENTENCE.findall(text):
        most = FIRST if len(parts) == 1 else PART
        if _is_sayable(sentence) and _is_sayable(parts[-1]) and len(parts[-1]) + len(sentence) > most:
            parts.append("")
        parts[-1] += sentence
    return parts


def _is_sayable(text: str) -> bool:
    return any(letter.isalnum() for letter in text)
