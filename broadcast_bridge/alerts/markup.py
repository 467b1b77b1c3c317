"""Removal of HTML that senders leave in the texts of alerts: a voice would read the tags aloud.

Only what certainly is markup goes: "<1 m" and "<cấp 8>" are words. `html.parser` is not used, since it drops the text
after a tag that is not closed.
"""

import html
import re

MOST_ESCAPES = 3
"""Times that a text may have been escaped on its way."""

_ATTRIBUTE = r"""\s+[A-Za-z_:][\w:.-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+))"""
_TAG = re.compile(rf"<(/?)([A-Za-z][A-Za-z0-9:-]*)(?:{_ATTRIBUTE})*\s*/?>")
_UNSEEN = (
    (re.compile(r"<!--"), re.compile(r"-->")),
    (re.compile(r"<script\b[^<>]*>", re.IGNORECASE), re.compile(r"</script\s*>", re.IGNORECASE)),
    (re.compile(r"<style\b[^<>]*>", re.IGNORECASE), re.compile(r"</style\s*>", re.IGNORECASE)),
)
_CDATA = re.compile(r"<!\[CDATA\[|\]\]>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_BREAKS = frozenset(
    {"br", "p", "div", "li", "ul", "ol", "tr", "td", "th", "table", "hr", "blockquote", "section", "article"}
    | {f"h{level}" for level in range(1, 7)}
)
_BREAK = "\0"
"""Marks a break while tags are removed; XML contains no such character."""
_UNFINISHED = re.compile(r"(?<=[^\s\0.!?…:;,])\s*\0[\s\0]*(?=[^\s\0.!?…:;,])")


def without_markup(text: str) -> str:
    """Return the text without tags, comments and entities; where a tag begins a new line, a sentence ends."""
    for _ in range(MOST_ESCAPES):
        plain = _ENTITY.sub(lambda found: html.unescape(found[0]), _without_tags(text))
        if plain == text:
            break
        text = plain
    return text


def _without_tags(text: str) -> str:
    if "<" not in text:
        return text
    seen = _CDATA.sub(" ", text)
    for begin, end in _UNSEEN:
        seen = _without_spans(seen, begin, end)
    broken = _TAG.sub(lambda tag: _BREAK if tag[2].lower() in _BREAKS else "", seen)
    return _UNFINISHED.sub(". ", broken).replace(_BREAK, " ")


def _without_spans(text: str, begin: re.Pattern[str], end: re.Pattern[str]) -> str:
    """Return the text without what is between two marks; a mark without its end is left, and the text after it."""
    kept, at = [], 0
    while (first := begin.search(text, at)) and (last := end.search(text, first.end())):
        kept.append(text[at : first.start()])
        at = last.end()
    return " ".join([*kept, text[at:]])
