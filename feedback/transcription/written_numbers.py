"""Spoken Vietnamese numbers, dates and times as people write them: "mười lăm tháng tám" becomes "15 tháng 8"."""

from collections.abc import Sequence

from feedback.transcription.engine import Word

_DIGITS = {
    "không": 0, "linh": 0, "lẻ": 0, "một": 1, "mốt": 1, "hai": 2, "ba": 3, "bốn": 4, "tư": 4, "năm": 5, "lăm": 5,
    "sáu": 6, "bảy": 7, "bẩy": 7, "tám": 8, "chín": 9,
}  # fmt: skip
_PLAIN = {word for word in _DIGITS if word not in ("linh", "lẻ", "mốt", "tư", "lăm")}
_SCALES = {"nghìn": 1000, "ngàn": 1000, "triệu": 1_000_000, "tỷ": 1_000_000_000, "tỉ": 1_000_000_000}
_PARTS = {*_DIGITS, "mười", "mươi", "trăm", *_SCALES}
_NUMBERED = {"ngày", "tháng", "mùng", "mồng", "thôn", "xóm", "tổ", "lớp", "điều", "khoản", "số", "cấp", "khu", "quý"}
"""A single figure behind them is written as a figure."""
_COUNTED = {"giờ", "phút", "tuổi", "mét", "cây", "triệu", "nghìn", "phẩy"}
_RUN, _TELEPHONE = 4, 6
_AFTER_TENS = {"mốt", "lăm"}
"""Behind a digit they mean that "mươi" was left out: "hai lăm" is 25. "Hai sáu" may be two or six, and "hai tư" begins
"hai tư vấn viên"."""
_CALLED = {"gọi", "số", "máy", "đài"}
_EMERGENCY = {"112", "113", "114", "115"}


def written(words: Sequence[Word]) -> tuple[Word, ...]:
    """Return the words with numbers in figures; a joined number has the span and the lowest certainty of its words."""
    found: list[Word] = []
    at = 0
    while at < len(words):
        end = at
        while end < len(words) and _bare(words[end]) in _PARTS and (end == at or not _ends(words[end - 1])):
            end += 1
        said = [_bare(word) for word in words[at:end]]
        before = _bare(words[at - 1]) if at else ""
        after = _bare(words[end]) if end < len(words) else ""
        number, used = _number(said, before, after)
        if number:
            found.append(_joined(words[at : at + used], number))
            at += used
        else:
            found.append(words[at])
            at += 1
    return tuple(_percent(_decimals(found)))


def _number(said: list[str], before: str, after: str) -> tuple[str, int]:
    """Return the longest number that the words begin with, in figures, and how many words it has; "" for none."""
    run = 0
    while run < len(said) and said[run] in _PLAIN:
        run += 1
    if run >= _RUN and (run == len(said) or said[run] not in ("mươi", "trăm", *_SCALES)):
        figures = "".join(str(_DIGITS[word]) for word in said[:run])
        return (figures, run) if run >= _TELEPHONE or figures[0] in "12" else ("", 0)
    emergency = "".join(str(_DIGITS[word]) for word in said[:run])
    if emergency in _EMERGENCY and run == len(said) and before in _CALLED:
        return emergency, run
    for used in range(len(said), 0, -1):
        value = _value(said[:used])
        if value is None:
            continue
        follows = said[used] if used < len(said) else after
        if used == 1 and value < 10:
            # "Ba bốn mét" is a guess between two numbers.
            wanted = before in _NUMBERED or (follows in _COUNTED and before not in _PLAIN - {"năm", "không"})
            return (str(value), 1) if wanted and said[0] in {*_PLAIN, "tư"} else ("", 0)
        return _figures(value, said[:used], before), used
    return "", 0


def _value(said: list[str]) -> int | None:
    """Return the value of words that are one number; None for others."""
    total, group, last, hundreds = 0, 0, 10**12, False
    digit: int | None = None
    for word in said:
        if word in _SCALES:
            if _SCALES[word] >= last or (group == 0 and digit is None):
                return None
            total += (group + (digit or 0)) * _SCALES[word]
            group, digit, last, hundreds = 0, None, _SCALES[word], False
        elif word == "trăm":
            if digit is None or group:
                return None
            group, digit, hundreds = digit * 100, None, True
        elif word in ("mươi", "mười"):
            if (word == "mươi") == (digit is None) or group % 100:
                return None
            group, digit = group + (digit or 1) * 10, None
        elif word in ("linh", "lẻ"):
            if digit is not None or not group or group % 100:
                return None
            hundreds = False
        elif digit and not group % 100 and _DIGITS[word] and (hundreds or (digit > 1 and word in _AFTER_TENS)):
            group, digit, hundreds = group + digit * 10, _DIGITS[word], False
        elif digit is not None or group % 10 or (word in ("mốt", "lăm") and not group % 100):
            return None
        else:
            digit = _DIGITS[word]
    if said[-1] in ("linh", "lẻ") or (len(said) > 1 and said[0] in ("không", "linh", "lẻ")):
        return None
    return total + group + (digit or 0)


def _figures(value: int, said: list[str], before: str) -> str:
    if said[-1] == "triệu" and value >= _SCALES["tỷ"]:
        return f"{value // _SCALES['tỷ']} tỷ {value % _SCALES['tỷ'] // _SCALES['triệu']} triệu"
    if said[-1] in ("tỷ", "tỉ", "triệu"):
        return f"{value // _SCALES[said[-1]]} {said[-1]}"
    is_year = before == "năm" and 1000 <= value <= 2999
    return str(value) if is_year or value < 1000 else f"{value:,}".replace(",", ".")


def _decimals(words: list[Word]) -> list[Word]:
    found: list[Word] = []
    at = 0
    while at < len(words):
        digit = _DIGITS.get(_bare(words[at + 2])) if at + 2 < len(words) else None
        last = words[at + 2].text.strip(".,?!") if at + 2 < len(words) else ""
        decimals = last if last.isdigit() else "" if digit is None else str(digit)
        if decimals and _bare(words[at + 1]) == "phẩy" and words[at].text.isdigit():
            found.append(_joined(words[at : at + 3], f"{words[at].text},{decimals}"))
            at += 3
        else:
            found.append(words[at])
            at += 1
    return found


def _percent(words: list[Word]) -> list[Word]:
    found: list[Word] = []
    at = 0
    while at < len(words):
        pair = [_bare(word) for word in words[at + 1 : at + 3]]
        if pair == ["phần", "trăm"] and words[at].text[-1].isdigit():
            found.append(_joined(words[at : at + 3], f"{words[at].text}%"))
            at += 3
        else:
            found.append(words[at])
            at += 1
    return found


def _joined(words: Sequence[Word], text: str) -> Word:
    mark = words[-1].text[len(words[-1].text.rstrip(".,?!")) :]
    return Word(text + mark, words[0].begin, words[-1].end, min(word.probability for word in words))


def _bare(word: Word) -> str:
    return word.text.lower().strip('.,?!;:"')


def _ends(word: Word) -> bool:
    return word.text.endswith((".", ",", "?", "!"))
