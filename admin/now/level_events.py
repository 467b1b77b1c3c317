"""The levels of what is on air as events of an open page's stream, a meter for each broadcast that its visitor sees."""

from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup

from broadcast_bridge.studio.levels import Levels
from haichieu.audio.sound import SILENCE_DBFS

QUIETEST, LOUDEST = -60, 0
"""The ends of the meter (dBFS)."""


class LevelEvents:
    """Level events for one page. `on_air` says which broadcasts its visitor may see; `name` and `silence` are words."""

    def __init__(self, levels: Levels, on_air: Callable[[], Sequence[int]], name: str, silence: str) -> None:
        self._levels = levels
        self._on_air = on_air
        self._words = (name, silence)
        self._shown: Sequence[int] = ()

    def look_again(self) -> bool:
        """Ask which broadcasts are on air, after something has changed; say whether there are any."""
        self._shown = self._on_air()
        return bool(self._shown)

    def now(self) -> Iterator[bytes]:
        """An event `level-<number>` for each that was measured just now; its data goes into the page as it is."""
        for number in self._shown:
            if (decibels := self._levels.of(number)) is not None:
                yield f"event: level-{number}\ndata: {meter(decibels, *self._words)}\n\n".encode()


def meter(decibels: float | None, name: str, silence: str) -> Markup:
    """A level as a bar and in words; nothing where it is not known. On one line, as an event's data must be."""
    if decibels is None:
        return Markup("")
    words = silence if decibels < SILENCE_DBFS else f"{decibels:.0f} dB".replace("-", "−")
    shown = min(max(decibels, QUIETEST), LOUDEST)
    return Markup(
        '<meter min="{}" max="{}" value="{:.1f}" aria-label="{}">{}</meter> <span class="hint">{}</span>'
    ).format(QUIETEST, LOUDEST, shown, name, words, words)
