"""Rules of publication duties, read from `duty_rules.toml`, and the deadlines that follow from them."""

import datetime
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from haichieu.locale import Message, message
from haichieu.public_holidays import is_working_day

_FILE = Path(__file__).with_name("duty_rules.toml")
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class DutyRule:
    """One rule; see the comments of the file for its fields."""

    key: str
    kind: str
    number: str
    articles: str
    days: int = 1
    within_working_days: int = 0
    before_days: int = 0
    every_hours: int = 0

    @property
    def needs_event(self) -> bool:
        """Whether a duty has an event day: the day of the meeting, or the last day of repeats."""
        return bool(self.before_days or self.every_hours)

    @property
    def source(self) -> Message:
        """The law or decree with its articles."""
        return message(f"duty.source.{self.kind}", number=self.number, articles=self.articles)

    @property
    def name(self) -> Message:
        """The name of the rule."""
        return message(f"duty.rule.{self.key}")

    def deadline(self, decided_on: datetime.date, event_on: datetime.date | None) -> datetime.date:
        """Return the last day on which a first run is in time; of repeats, their last day."""
        if event_on is not None and self.needs_event:
            return event_on - self.before_days * _DAY
        return after_working_days(decided_on, self.within_working_days)


def after_working_days(day: datetime.date, count: int) -> datetime.date:
    """Return the working day that is `count` working days after a day, which itself does not count."""
    while count:
        day += _DAY
        count -= is_working_day(day)
    return day


@lru_cache(1)
def duty_rules() -> Mapping[str, DutyRule]:
    """Return the rules by key, in their order."""
    with _FILE.open("rb") as file:
        return {key: DutyRule(key, **values) for key, values in tomllib.load(file).items()}
