"""Layout of bar charts: each bar is a part of a whole. A template draws them in a table, so that names wrap."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from admin.layout.language import show_figure

MOST_BARS = 10
LONGEST_BAR = 100


@dataclass(frozen=True)
class Bar:
    """One bar with its name and figure; `ground` is the length of the whole, `width` that of the part."""

    name: str
    figure: str
    width: float
    ground: float


@dataclass(frozen=True)
class Plot:
    """A bar chart; `left_out` is the number of rows without a bar."""

    title: str
    bars: Sequence[Bar]
    left_out: int


def plot(title: str, rows: Iterable[tuple[str, float, float]], *, percent: bool = False) -> Plot | None:
    """Draw the first rows, each a name, a part and its whole; None when there is nothing to draw.

    In percent all bars have the same whole; else the longest whole is that of the greatest number.
    """
    known = [row for row in rows if row[2]]
    if not known:
        return None
    greatest = max(whole for _, _, whole in known)
    bars = [
        Bar(
            name,
            f"{show_figure(100.0 * part / whole, 1)}%" if percent else f"{show_figure(part)}/{show_figure(whole)}",
            round(LONGEST_BAR * part / (whole if percent else greatest), 1),
            round(LONGEST_BAR * (1 if percent else whole / greatest), 1),
        )
        for name, part, whole in known[:MOST_BARS]
    ]
    return Plot(title, bars, len(known) - len(bars))
