"""The track of a case, its consents and its data requests, as the page of the case shows them."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from feedback.cases.formal_track import LANGUAGE, formal_entry
from feedback.citizens.consents import consents_of
from feedback.citizens.models import Consent, DataRequest
from feedback.citizens.registry import CitizenBook
from feedback.models import Case, FormalCase, Message
from feedback.states import Direction, Purpose, RequestState
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.phone_numbers import normalise
from haichieu.station import the_station
from ivr.calls.routing import OF_THE_STATION, Number


@dataclass(frozen=True)
class TrackCard:
    """What the cards show. `entry` is None for an informal case; `typed` are the values its form begins with."""

    entry: FormalCase | None
    typed: dict[str, str]
    """Name, address, phone, content and receiving number; empty for a visitor who may not see numbers."""
    published: Sequence[str]
    in_vietnamese: bool
    consents: Sequence[Consent]
    requests: Sequence[DataRequest]
    today: datetime.date
    published_on: datetime.date | None
    """The day on which the result was published."""
    has_voice: bool
    """Whether the citizen's recording may go on air, and there is one."""

    @property
    def agrees_to(self) -> frozenset[str]:
        """The purposes with a valid consent."""
        return frozenset(one.purpose for one in self.consents if one.withdrawn_at is None)

    def waits(self, kind: str) -> bool:
        """Return whether a request of this kind is open."""
        return any(one.kind == kind and one.state == RequestState.OPEN for one in self.requests)


def track_card(
    session: Session, book: CitizenBook, who: Visitor, case: Case, messages: Sequence[Message]
) -> TrackCard:  # fmt: skip
    """Gather the content of the cards."""
    entry, consents = formal_entry(session, case), consents_of(session, case)
    valid = {one.purpose for one in consents if one.withdrawn_at is None}
    spoken = any(one.direction == Direction.IN and one.sound_id is not None for one in messages)
    numbers = published_numbers(session)
    zone = ZoneInfo(the_station(session).timezone)
    published_at = entry.published_at if entry else None
    asked = sa.select(DataRequest).where(DataRequest.case_id == case.id).order_by(DataRequest.id)
    return TrackCard(
        entry,
        _typed(book, case, entry, messages, numbers) if who.may(Action.SEE_NUMBERS) else {},
        numbers,
        case.language == LANGUAGE,
        consents,
        session.scalars(asked).all(),
        now().astimezone(zone).date(),
        published_at.astimezone(zone).date() if published_at else None,
        spoken and Purpose.VOICE_ON_AIR in valid,
    )


def published_numbers(session: Session) -> list[str]:
    """Return the station's numbers that lead citizens to a flow of theirs; these are the published ones."""
    query = sa.select(Number.number).where(Number.flow.not_in(OF_THE_STATION)).order_by(Number.number)
    return list(session.scalars(query))


def _typed(
    book: CitizenBook, case: Case, entry: FormalCase | None, messages: Sequence[Message], numbers: Sequence[str]
) -> dict[str, str]:
    if entry is not None:
        locked = {"name": entry.name_locked, "address": entry.address_locked, "phone": entry.phone_locked}
        return {name: book.unlock(value) if value else "" for name, value in locked.items()}
    said = [one for one in messages if one.direction == Direction.IN]
    words = "\n".join(one.text or (one.transcript.text if one.transcript else "") for one in said).strip()
    dialled = {normalise(number) or number: number for number in numbers}
    return {
        "name": "", "address": "", "content": words,
        "phone": book.number_of(case.citizen) if case.citizen is not None else "",
        "received_on": dialled.get(normalise(case.dialled) or "", ""),
    }  # fmt: skip
