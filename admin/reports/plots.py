"""Bars for a column of figures: where each stands and how long it is. A template draws them as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from admin.layout.language import show_figure

MOST_BARS = 20
LONGEST_BAR = 340
ROW = 30
LONGEST_NAME = 27


@dataclass(frozen=True)
class Bar:
    """One bar with its name and its figure."""

    name: str
    figure: str
    y: int
    width: float


@dataclass(frozen=True)
class Plot:
    """A plot; `in_words` says the same to who cannot see it, `left_out` how many rows have no bar."""

    title: str
    bars: Sequence[Bar]
    left_out: int

    @property
    def height(self) -> int:
        """Of the whole drawing."""
        return ROW * len(self.bars)

    @property
    def in_words(self) -> str:
        """Every bar's name and figure."""
        return "; ".join(f"{bar.name} {bar.figure}" for bar in self.bars)


def plot(title: str, figures: Sequence[tuple[str, float | None]], whole: float | None = None) -> Plot | None:
    """Draw the first of named figures as bars beside `whole`, or the greatest; None when there is none at all."""
    known = [(name, figure) for name, figure in figures if figure is not None]
    shown = known[:MOST_BARS]
    longest = whole or max((figure for _, figure in shown), default=0)
    if not shown or not longest:
        return None
    bars = [
        Bar(_short(name), show_figure(figure, 1), ROW * place + 4, round(min(figure / longest, 1) * LONGEST_BAR, 1))
        for place, (name, figure) in enumerate(shown)
    ]
    return Plot(title, bars, len(known) - len(shown))


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
