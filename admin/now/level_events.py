"""Audio levels as server-sent events: one meter for each broadcast that the visitor sees."""

from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup

from broadcast_bridge.studio.levels import Levels
from haichieu.audio.sound import SILENCE_DBFS

QUIETEST, LOUDEST = -60, 0
"""The ends of the meter (dBFS)."""


class LevelEvents:
    """Level events of one page. `on_air` returns the visible broadcasts; `name` and `silence` are words."""

    def __init__(self, levels: Levels, on_air: Callable[[], Sequence[int]], name: str, silence: str) -> None:
        self._levels = levels
        self._on_air = on_air
        self._words = (name, silence)
        self._shown: Sequence[int] = ()

    def look_again(self) -> bool:
        """Refresh the broadcasts on air after a change; return whether there are any."""
        self._shown = self._on_air()
        return bool(self._shown)

    def now(self) -> Iterator[bytes]:
        """Return an event `level-<number>` per recent measurement; its data is inserted into the page unchanged."""
        for number in self._shown:
            if (decibels := self._levels.of(number)) is not None:
                yield f"event: level-{number}\ndata: {meter(decibels, *self._words)}\n\n".encode()


def meter(decibels: float | None, name: str, silence: str) -> Markup:
    """Return a level as a bar and in words, empty if unknown. On one line, as the data of an event must be."""
    if decibels is None:
        return Markup("")
    words = silence if decibels < SILENCE_DBFS else f"{decibels:.0f} dB".replace("-", "−")
    shown = min(max(decibels, QUIETEST), LOUDEST)
    return Markup(
        '<meter min="{}" max="{}" value="{:.1f}" aria-label="{}">{}</meter> <span class="hint">{}</span>'
    ).format(QUIETEST, LOUDEST, shown, name, words, words)
