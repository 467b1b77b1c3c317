"""The fields of the dialects as docs/source-system.md lists them."""

import re

from tests.sources import ROOT

FIELD = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]*)+|tanso|thoigian|order|volume|command|(?:[a-z]+-)?[a-z]+_[A-Za-z_]+")
"""Names as the protocols have them; everything else between backticks is a value or a path."""


def section(dialect: str) -> str:
    text = (ROOT / "docs/source-system.md").read_text()
    return text.partition(f"## The {dialect} dialect\n")[2].partition("\n## ")[0]


def named(text: str) -> set[str]:
    return {one for one in re.findall(r"`([^`]+)`", text) if FIELD.fullmatch(one)}
