"""Cells of files that spreadsheets open: text of others that begins like a formula must stay text."""

from typing import TypeVar

Cell = str | int | float | None
T = TypeVar("T", bound=Cell)

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(cell: T) -> T | str:
    """A cell as text, should it be one that begins like a formula (OWASP, CSV injection)."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" \u00a0").startswith(_STARTS_A_FORMULA) else cell
