"""Typed values as people and spreadsheets write them: invisible signs, yes and no, decimals, the head of a table."""

import re
import unicodedata
from collections.abc import Sequence

_TEXT_FORMULA = re.compile(r'="([^"]*)"')
_MARKED_AS_TEXT = re.compile(r"'(?=[+0-9])")
"""Spreadsheets use both to preserve the zeros at the beginning of a number."""
_DELIMITER_LINE = re.compile(r'"?sep=(.)"?[;,\t]*', re.IGNORECASE)
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"), "-")
_UNIT = re.compile(r"(?:dB|°)$", re.IGNORECASE)
_YES = frozenset({"1", "y", "yes", "t", "true", "on", "x", "v", "✓", "✔", "☑", "có", "co", "c", "đúng", "dung", "đ"})
_NO = frozenset(
    {"0", "n", "no", "f", "false", "off", "-", "không", "khong", "ko", "kh", "k", "sai", "s", "✗", "✘", "☐", "trống"}
)


def composed(text: str) -> str:
    """Return a text in composed letters (NFC), as it is compared and searched."""
    return unicodedata.normalize("NFC", text)


def cleaned(cell: str) -> str:
    """Return a typed value in composed letters, without invisible signs and the signs that mark a number as text."""
    visible = "".join(sign for sign in composed(cell) if unicodedata.category(sign) != "Cf")
    text = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in visible).strip()
    if found := _TEXT_FORMULA.fullmatch(text):
        text = found[1].strip()
    return _MARKED_AS_TEXT.sub("", text, count=1) if text.startswith("'") else text


def tick(cell: str) -> bool | None:
    """Return the meaning of a yes-or-no cell, with or without diacritics; no when empty, None when unclear."""
    word = cleaned(cell).translate(_DASHES).casefold().strip(" .!")
    if not word:
        return False
    return True if word in _YES else False if word in _NO else None


def decimal(cell: str) -> str:
    """Return a number with a decimal point and an ASCII sign, without its unit."""
    text = unicodedata.normalize("NFKC", cleaned(cell)).translate(_DASHES)
    return _UNIT.sub("", text).replace(" ", "").replace(",", ".")


def phone_signs(typed: str) -> str:
    """Return a telephone number with ASCII spaces and dashes."""
    return cleaned(typed).translate(_DASHES)


def split_head(text: str) -> tuple[int, str, str]:
    """Return the number of lines before the column names, the delimiter, and the rest of the table.

    The first line may name the delimiter for Excel (`sep=;`); lines without words before the names are skipped.
    """
    lines = text.split("\n")
    skipped, named = 0, ""
    while skipped < len(lines) - 1:
        line = lines[skipped]
        if skipped == 0 and (found := _DELIMITER_LINE.fullmatch(line.strip(" "))):
            named = found[1]
        elif line.strip(' ;,\t"'):
            break
        skipped += 1
    first = lines[skipped]
    return skipped, named or max(";,\t", key=first.count), "\n".join(lines[skipped:])


def without_empty_end(cells: Sequence[str]) -> list[str]:
    """Return the cells of a line up to the last one that contains something."""
    found = list(cells)
    while found and not found[-1].strip():
        found.pop()
    return found
