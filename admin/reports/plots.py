"""Layout of bar charts. A template renders them as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from admin.layout.language import show_figure

MOST_BARS = 20
LONGEST_BAR = 340
ROW = 30
LONGEST_NAME = 27


@dataclass(frozen=True)
class Bar:
    """One bar with its name and figure."""

    name: str
    figure: str
    y: int
    width: float


@dataclass(frozen=True)
class Plot:
    """A bar chart; `in_words` is its text alternative, `left_out` the number of rows without a bar."""

    title: str
    bars: Sequence[Bar]
    left_out: int

    @property
    def height(self) -> int:
        """The height of the chart."""
        return ROW * len(self.bars)

    @property
    def in_words(self) -> str:
        """Every bar's name and figure."""
        return "; ".join(f"{bar.name} {bar.figure}" for bar in self.bars)


def plot(title: str, figures: Sequence[tuple[str, float | None]], whole: float | None = None) -> Plot | None:
    """Draw the first figures as bars relative to `whole`, or to the greatest; None when all are zero."""
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
