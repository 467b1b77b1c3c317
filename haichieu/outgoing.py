"""Rule for the numbers that the station calls and texts by itself, with a limit per day.

The number of a caller can be forged, so a stranger decides whom the station calls back and texts. Therefore each number
must be a subscriber's, in an allowed country; telephones of the station itself are always allowed. Numbers that the
administrator has entered may be in a range that the library does not know as assigned.

    OutgoingRefused
    ├── NumberRefused   the station never calls or texts this number
    └── LimitReached    nothing more of this kind today
"""

import datetime
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
import sqlalchemy as sa
from phonenumbers import PhoneNumberType
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import Base
from haichieu.errors import HaiChieuError
from haichieu.locale import Message, message
from haichieu.phone_numbers import masked
from haichieu.settings import Settings
from haichieu.sip.models import Phone
from haichieu.station import the_station

SUBSCRIBERS = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
        PhoneNumberType.PERSONAL_NUMBER,
    }
)
NEARLY = 0.8
"""Part of a limit at which the first alarm is raised."""
RETAINED = datetime.timedelta(days=31)
_UNASSIGNED = message("outgoing.because.not_a_subscriber")


class Use(StrEnum):
    """What the station calls or texts for; each has a limit of its own."""

    OFFICIALS = "officials"
    DUTY_DESK = "duty_desk"
    MISSED_CALLS = "missed_calls"
    ANSWER_CALLS = "answer_calls"
    RECEIPTS = "receipts"
    ANSWER_TEXTS = "answer_texts"


NAMED = (Use.OFFICIALS, Use.DUTY_DESK)
"""Their numbers are entered by the administrator; those of citizens are in no alarm."""


class OutgoingDay(Base):
    """The calls or texts of one kind on one day of the station's calendar."""

    __tablename__ = "outgoing_days"

    day: Mapped[datetime.date] = mapped_column(primary_key=True)
    use: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    placed: Mapped[int] = mapped_column(default=0)


class OutgoingRefused(HaiChieuError):
    """The station does not call or text this number now."""


class NumberRefused(OutgoingRefused):
    """The station never calls or texts this number."""


class LimitReached(OutgoingRefused):
    """The limit of the day is reached; the next day begins at `until`."""

    def __init__(self, until: datetime.datetime) -> None:
        super().__init__("outgoing.limit_reached")
        self.until = until


@dataclass(frozen=True)
class OutgoingRule:
    """The countries (ISO 3166) and the limits per day."""

    countries: frozenset[str]
    per_day: Mapping[Use, int]

    def refusal(self, session: Session, use: Use, number: str) -> NumberRefused | None:
        """Return why a number may not be used; an alarm then tells the administrator.

        Refusals are returned, so that the caller's transaction stores the alarm.
        """
        if is_own_phone(session, number):
            return None
        because = self.objection(number)
        if because == _UNASSIGNED and use in NAMED:
            because = None
        if because is None:
            return None
        what = message(f"outgoing.use.{use}")
        text = (
            message("outgoing.alarm.number_refused", use=what, number=masked(number), because=because)
            if use in NAMED
            else message("outgoing.alarm.refused", use=what, because=because)
        )
        raise_alarm(session, AlarmKind.OUTGOING_REFUSED, f"{use}:{because.key.rpartition('.')[2]}", text)
        return NumberRefused(because)

    def take(self, session: Session, use: Use, number: str, at: datetime.datetime) -> OutgoingRefused | None:
        """Count one call or text to a number; return why there may be none. Own telephones are not counted."""
        refused = self.refusal(session, use, number)
        if refused is not None:
            return refused
        if is_own_phone(session, number):
            return None
        here = zoneinfo.ZoneInfo(the_station(session).timezone)
        today = at.astimezone(here).date()
        placed = _count(session, use, today, self.per_day[use])
        if placed is None:
            tomorrow = datetime.datetime.combine(today + datetime.timedelta(days=1), datetime.time(), here)
            return LimitReached(tomorrow.astimezone(datetime.UTC))
        self._warn(session, use, today, placed)
        return None

    def objection(self, number: str) -> Message | None:
        """Return why a normalised number is not one of a subscriber in an allowed country; None if it is."""
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number, re.ASCII):
            return message("outgoing.because.not_a_number")
        try:
            parsed = phonenumbers.parse(number)
        except phonenumbers.NumberParseException:
            return message("outgoing.because.not_a_number")
        regions = set(phonenumbers.region_codes_for_country_code(parsed.country_code or 0))
        region = phonenumbers.region_code_for_number(parsed)
        if (region is not None and region not in self.countries) or not regions & self.countries:
            return message("outgoing.because.foreign")
        kind = phonenumbers.number_type(parsed)
        if kind in (PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST):
            return message("outgoing.because.premium")
        if kind not in SUBSCRIBERS:
            return _UNASSIGNED
        return None

    def _warn(self, session: Session, use: Use, today: datetime.date, placed: int) -> None:
        limit = self.per_day[use]
        what, day = message(f"outgoing.use.{use}"), today.isoformat()
        if placed == limit:
            text = message("outgoing.alarm.limit_reached", use=what, limit=limit, setting=f"daily_{use}")
            raise_alarm(session, AlarmKind.OUTGOING_LIMIT, f"{use}:{day}", text)
        elif placed == -int(-limit * NEARLY // 1):
            text = message("outgoing.alarm.limit_near", use=what, placed=placed, limit=limit, setting=f"daily_{use}")
            raise_alarm(session, AlarmKind.OUTGOING_LIMIT, f"{use}:{day}:near", text)


def is_own_phone(session: Session, number: str) -> bool:
    """Return whether a number is that of a telephone of the station."""
    return session.scalar(sa.select(Phone.id).where(Phone.caller_number == number)) is not None


def outgoing_rule(settings: Settings) -> OutgoingRule:
    """Return the rule of the settings."""
    per_day = {use: int(getattr(settings, f"daily_{use}")) for use in Use}
    return OutgoingRule(frozenset(settings.outgoing_region_codes), per_day)


def _count(session: Session, use: Use, today: datetime.date, limit: int) -> int | None:
    """Count one more and return the number; None when the limit is reached. Safe in concurrent transactions."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(OutgoingDay).values(day=today, use=use, placed=0).on_conflict_do_nothing(index_elements=["day", "use"])
    session.execute(row)
    placed = session.scalar(
        sa.update(OutgoingDay)
        .where(OutgoingDay.day == today, OutgoingDay.use == use, OutgoingDay.placed < limit)
        .values(placed=OutgoingDay.placed + 1)
        .returning(OutgoingDay.placed)
        .execution_options(synchronize_session=False)
    )
    if placed == 1:
        session.execute(sa.delete(OutgoingDay).where(OutgoingDay.day < today - RETAINED))
    return placed
