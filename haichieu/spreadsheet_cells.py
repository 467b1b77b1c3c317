"""Spreadsheet cells: text from users that looks like a formula must stay text."""

from typing import TypeVar

Cell = str | int | float | None
T = TypeVar("T", bound=Cell)

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(cell: T) -> T | str:
    """Return the cell as text, escaped if it looks like a formula (OWASP: CSV injection)."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" \u00a0").startswith(_STARTS_A_FORMULA) else cell


def without_escape(cell: str) -> str:
    """Return the text that `harmless` has escaped, so that an exported table is imported unchanged."""
    return cell[1:] if cell.startswith("'") and harmless(cell[1:]) == cell else cell
