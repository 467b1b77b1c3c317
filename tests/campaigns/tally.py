"""Counts of what attackers sent and how the station answered, and the faults that were found."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts by attacker and action."""

    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    answers: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)

    def add(self, attacker: str, action: str, answer: str = "", times: int = 1) -> None:
        """Count what was sent, with the status of its answer."""
        self.sent[attacker, action] += times
        if answer:
            self.answers.setdefault((attacker, action), Counter())[answer] += times

    def rows(self) -> list[str]:
        """Return a row of a Markdown table for each attacker and action."""
        return [
            f"| {attacker} | {action} | {count} | {self._answered(attacker, action)} |"
            for (attacker, action), count in sorted(self.sent.items())
        ]

    def _answered(self, attacker: str, action: str) -> str:
        found = self.answers.get((attacker, action), Counter())
        return ", ".join(f"{answer} × {count}" for answer, count in found.most_common(6))


@dataclass
class Report:
    """The counts of a campaign. `faults` says what must not be; it is empty when the station withstood all of it."""

    seed: int
    seconds: float
    tally: Tally = field(default_factory=Tally)
    broadcasts: int = 0
    """Live broadcasts that the official wanted."""
    called_back: int = 0
    """How often the station called the official back to sign in."""
    whole: int = 0
    """Those of them that the honest speaker played whole."""
    on_air_seconds: float = 0.0
    foreign_seconds: float = 0.0
    """Sound at the honest speakers that is neither the official's speech nor a chime of the station."""
    strange_broadcasts: int = 0
    """Broadcasts that the official did not ask for."""
    calls_placed: list[str] = field(default_factory=list)
    """Called numbers, as the carrier received them, that belong to no official."""
    officials_called: int = 0
    """Calls to registered numbers of officials: the call-back after forged attempts."""
    texts_refused: list[str] = field(default_factory=list)
    """Numbers of no subscriber that were texted."""
    texts_sent: int = 0
    let_in: list[str] = field(default_factory=list)
    """Requests without a right to it that the web process answered with success."""
    server_errors: list[str] = field(default_factory=list)
    restarts: list[str] = field(default_factory=list)
    """Processes that ended, or were killed as hung."""
    answered: list[float] = field(default_factory=list)
    """Seconds until each honest call was answered."""
    unanswered: int = 0
    last_log_lines: list[str] = field(default_factory=list)
    """The end of the station's log, whose home is gone when a fault is read."""
    problems: list[str] = field(default_factory=list)
    """Anything else: broadcasts that did not begin or were cut, with the reason."""

    SLOWEST = 5.0

    @property
    def faults(self) -> list[str]:
        """Return what must not be."""
        found = [
            (bool(self.foreign_seconds), f"{self.foreign_seconds:.2f} s of foreign sound on air"),
            (bool(self.strange_broadcasts), f"{self.strange_broadcasts} broadcasts that nobody entitled asked for"),
            (bool(self.calls_placed), f"calls placed: {self.calls_placed}"),
            (bool(self.texts_refused), f"texts to numbers of no subscriber: {self.texts_refused}"),
            (bool(self.let_in), f"answered without a right: {self.let_in[:5]}"),
            (bool(self.server_errors), f"errors of the web process: {self.server_errors[:5]}"),
            (bool(self.restarts), f"processes ended: {self.restarts}"),
            (bool(self.unanswered), f"{self.unanswered} calls not taken"),
            (self.slowest > self.SLOWEST, f"a call taken after {self.slowest:.1f} s"),
            (self.whole < self.broadcasts, f"{self.broadcasts - self.whole} broadcasts not whole: {self.problems}"),
            (not (self.answered and self.whole), "nothing was on air, or no call was taken"),
        ]
        return [text for is_so, text in found if is_so]

    @property
    def slowest(self) -> float:
        """Return the longest time until an honest call was answered."""
        return max(self.answered, default=0.0)

    def table(self) -> str:
        """Return all counts as Markdown."""
        lines = [
            "| attacker | what it sent | times | answers |",
            "|---|---|---|---|",
            *self.tally.rows(),
            "",
            f"Seed {self.seed}, {self.seconds:.0f} s, {self.tally.sent.total()} requests and packets.",
            "",
            "| what happened | count |",
            "|---|---|",
            f"| live broadcasts of the official, played whole | {self.whole} of {self.broadcasts} |",
            f"| of them after a call back to sign in | {self.called_back} |",
            f"| seconds on air | {self.on_air_seconds:.1f} |",
            f"| seconds of foreign sound on air | {self.foreign_seconds:.2f} |",
            f"| broadcasts that nobody entitled asked for | {self.strange_broadcasts} |",
            f"| calls placed to the carrier | {len(self.calls_placed)} |",
            f"| calls back to registered numbers of officials | {self.officials_called} |",
            f"| texts sent to subscribers | {self.texts_sent} |",
            f"| texts sent to other numbers | {len(self.texts_refused)} |",
            f"| pages and API answers without a right | {len(self.let_in)} |",
            f"| errors of the web process | {len(self.server_errors)} |",
            f"| processes that ended | {len(self.restarts)} |",
            f"| honest calls taken | {len(self.answered)} of {len(self.answered) + self.unanswered} |",
            f"| slowest of them | {self.slowest:.2f} s |",
        ]
        return "\n".join(lines)
