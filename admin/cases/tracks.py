"""Steps of a case's page on its track, its hold and the rights of its citizen."""

import datetime
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.permissions import require_in
from admin.access.visitors import visitor
from admin.cases.case_page import step
from admin.cases.track_card import published_numbers
from admin.layout.language import say
from admin.layout.pages import Form
from admin.panel import Panel
from feedback.cases import formal_track
from feedback.cases.formal_track import Applicant, EntryRefused, Result
from feedback.citizens import consents, data_requests
from feedback.models import Case
from feedback.states import Channel, DataRight, Published, Purpose
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.errors import UsageError

Choice = TypeVar("Choice", bound=StrEnum)


def _make_formal(panel: Panel, number: str, form: Form) -> Response:
    """Enter the case in the formal register; what is missing is said beside each field."""

    def work(session: Session, case: Case) -> None:
        require_in(session, Action.SEE_NUMBERS, [case.unit_id])
        given = applicant(form)
        published = published_numbers(session)
        try:
            formal_track.make_formal(session, panel.citizens, case, given, published, visitor().actor, now())
        except EntryRefused as missing:
            form.problems.update(missing.problems)
            raise

    return step(panel, number, form, "formal", work, say("track.made_formal"))


def applicant(form: Form) -> Applicant:
    """Return what a form says of the citizen and the concern."""
    names = ("name", "address", "phone", "content", "received_on")
    return Applicant(*(form.value(f"formal_{name}").replace("\0", "") for name in names))


def _make_informal(panel: Panel, number: str, form: Form) -> Response:
    def work(session: Session, case: Case) -> None:
        require_in(session, Action.SEE_NUMBERS, [case.unit_id])
        formal_track.make_informal(session, case, form.value("informal_reason"), visitor().actor, now())

    return step(panel, number, form, "informal_reason", work, say("track.made_informal"))


def _forward(panel: Panel, number: str, form: Form) -> Response:
    def work(session: Session, case: Case) -> None:
        formal_track.forward(session, case, form.value("forwarded_to"), visitor().actor, now())

    return step(panel, number, form, "forwarded_to", work, say("track.forwarded"))


def _publish(panel: Panel, number: str, form: Form) -> Response:
    def work(session: Session, case: Case) -> None:
        by, on = _chosen(Published, form.value("published_by")), _day(form.value("published_on"))
        try:
            given = Result(form.value("result"), by, on)
            formal_track.publish(session, panel.citizens, case, given, visitor().actor, now())
        except EntryRefused as refusal:
            form.problems.update(refusal.problems)
            raise

    return step(panel, number, form, "publish", work, say("track.published"))


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _hold(panel: Panel, number: str, form: Form) -> Response:
    """Forbid the erasure of the case for a reason, or allow it again."""

    def work(session: Session, case: Case) -> None:
        require_in(session, Action.PRIVACY, [case.unit_id])
        reason = form.value("hold_reason")
        if form.value("do") == "hold" and not reason.strip():
            raise UsageError("formal.no_reason", most=formal_track.LONGEST_REASON)
        formal_track.hold(session, case, reason if form.value("do") == "hold" else "", visitor().actor, now())

    return step(panel, number, form, "hold_reason", work, say("track.saved"))


def _ask(panel: Panel, number: str, form: Form) -> Response:
    """File what the citizen asks about the data of this case; a withdrawal of consent is effective at once."""

    def work(session: Session, case: Case) -> None:
        kind = _chosen(DataRight, form.value("kind"))
        data_requests.ask(
            session, kind, case, Channel.PANEL, visitor().actor, now(),
            purpose=_chosen(Purpose, form.value("purpose")) if form.value("purpose") else None,
        )  # fmt: skip

    done = say("track.withdrawn") if form.value("kind") == DataRight.WITHDRAWAL else say("track.asked")
    return step(panel, number, form, "data-request", work, done)


def _take_consent(panel: Panel, number: str, form: Form) -> Response:
    """Enter the consent that the citizen gave to the visitor orally or on paper, to each chosen purpose."""

    def work(session: Session, case: Case) -> None:
        purposes = [_chosen(Purpose, one) for one in form.values("purpose")]
        consents.take(session, case, purposes, form.value("given"), visitor().actor, now())

    return step(panel, number, form, "consent", work, say("track.consent_taken"))


def _chosen(choices: type[Choice], value: str) -> Choice:
    """Return the chosen one. Raises UsageError."""
    if value not in list(choices):
        raise UsageError("panel.case.choice_gone")
    return choices(value)


TRACK_STEPS: dict[str, Callable[[Panel, str, Form], Response]] = {
    "formal": _make_formal,
    "informal": _make_informal,
    "forward": _forward,
    "publish": _publish,
    "hold": _hold,
    "data-request": _ask,
    "consent": _take_consent,
}
"""The forms of the cards by the last part of their address."""
