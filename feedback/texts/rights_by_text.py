"""Texts by which senders use their rights in their own case: consent, withdrawal, objection, erasure, copy.

A text is a command only when it consists of the words and the number of the sender's own case. Anything else is an
ordinary message, so that trying numbers reveals nothing. The text is stored in the case, as the proof.
"""

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from feedback.cases.case_lifecycle import Said, say
from feedback.cases.case_numbers import spoken_groups, without_case_numbers
from feedback.citizens import consents, data_requests
from feedback.citizens.consents import Proof
from feedback.citizens.data_requests import RequestRefused
from feedback.models import Citizen
from feedback.states import Channel, ConsentForm, DataRight, Purpose
from feedback.texts import conversations, receipts
from haichieu.station import the_station

CONSENT = "consent"
COMMANDS = {
    CONSENT: {"dong y phat loa", "agree to loudspeaker"},
    DataRight.WITHDRAWAL: {"rut dong y", "rut lai dong y", "withdraw consent"},
    DataRight.OBJECTION: {"phan doi", "khong dong y phat loa", "object"},
    DataRight.ERASURE: {"xoa", "xoa phan anh", "xoa ghi am", "delete"},
    DataRight.ACCESS: {"ban sao", "xin ban sao", "copy"},
}
"""Words by what they ask for. Consent has words of its own: "đồng ý" alone may answer another question."""


@dataclass(frozen=True)
class CarriedOut:
    """What a command did: the case, and the text that confirms it."""

    case_number: str
    say: str


def command_in(text: str) -> str | None:
    """Return what a text without case numbers asks for, in any spelling; None for an ordinary message."""
    words = receipts.bare_words(text)
    return next((what for what, spellings in COMMANDS.items() if words in spellings), None)


def carry_out(
    session: Session, citizen: Citizen, said: Said, at: datetime.datetime, language: str
) -> CarriedOut | None:
    """Carry a command out; None for a text that is none, or about nothing of the sender's."""
    case = conversations.own_case(session, citizen, said.text)
    what = command_in(without_case_numbers(said.text)) if case is not None else None
    if case is None or what is None:
        return None
    session.refresh(case, with_for_update=True)
    number = spoken_groups(case.number)
    if what == CONSENT:
        message = say(session, case, said, at, reopens=False)
        consents.give(session, case, Purpose.ANSWER_ON_AIR, Proof(ConsentForm.TEXT, message=message), at)
        return CarriedOut(case.number, receipts.said("consented", language, number=number))
    if what == DataRight.WITHDRAWAL and not consents.valid_purposes(session, case):
        what = DataRight.OBJECTION
    try:
        asked = data_requests.ask(session, DataRight(what), case, Channel.TEXT, "citizen", at)
    except RequestRefused:
        return None
    say(session, case, said, at, reopens=False)
    day = asked.request.due_at.astimezone(ZoneInfo(the_station(session).timezone)).date()
    return CarriedOut(case.number, receipts.said(f"asked_{what}", language, number=number, day=day))
