"""The page of requests about personal data, and the one form of its actions.

Users who read cases see the requests of their units. Filing one by telephone number takes the right to see numbers,
and settling one the right to export and erase, in every unit that has a case of the citizen.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa
from flask import Flask, flash, redirect, send_file, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs, require_in
from admin.access.visitors import visitor
from admin.layout.language import know_timezone, say
from admin.layout.pages import Form, page, sent_form
from admin.layout.refusals import refusal_message
from admin.panel import Panel
from broadcast_bridge.broadcasts.calling_off import is_any_on_air
from feedback.citizens import data_requests, privacy
from feedback.citizens.data_requests import LONGEST_REASON, NoSuchRequest, RequestRefused
from feedback.citizens.export import write_archive
from feedback.citizens.models import DataRequest
from feedback.citizens.privacy import CaseHeld, NoSuchCitizen
from feedback.citizens.registry import read_typed_number
from feedback.models import Case
from feedback.states import Channel, DataRight, Purpose, RequestState
from haichieu import audit
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.errors import HaiChieuError, NotAllowed, UsageError

MOST_REQUESTS = 200
KINDS: tuple[tuple[DataRight, Purpose | None], ...] = (
    (DataRight.ACCESS, None), (DataRight.WITHDRAWAL, None), *((DataRight.WITHDRAWAL, one) for one in Purpose),
    (DataRight.OBJECTION, None), (DataRight.ERASURE, None),
)  # fmt: skip
"""What can be asked by telephone number; a withdrawal is of one consent or of all."""
Act = Callable[[Panel, Form], str | Response]


def register_data_requests(app: Flask, panel: Panel) -> None:
    """Add the page."""

    @app.get("/data-requests")
    @needs(Action.READ_CASES)
    def data_requests() -> Response:
        """List the open data requests of the visitor's units, the most urgent first."""
        return _list(panel, Form(take_kept(panel)))

    @app.post("/data-requests")
    @needs(Action.READ_CASES, checks_units=True)
    def work_on_data_request() -> Response:
        """File a request by telephone number, or erase, hand over a copy, follow an objection, or refuse (`do`)."""
        form = sent_form()
        act = ACTS.get(form.value("do"))
        try:
            if act is None:
                raise UsageError("panel.data_requests.no_action")
            done = act(panel, form)
        except (NotAllowed, NoSuchRequest):
            raise
        except HaiChieuError as refusal:
            field = "phone" if form.value("do") == "ask" else f"request-{form.row_id('request')}"
            form.problems[field] = refusal_message(refusal)
            return _list(panel, form, 422)
        if isinstance(done, Response):
            return done
        flash(done)
        return redirect(url_for("data_requests"), 303)


def _list(panel: Panel, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        know_timezone(session)
        found = data_requests.waiting(session, visitor().units, MOST_REQUESTS)
        numbers = _numbers(panel, found) if visitor().may(Action.SEE_NUMBERS) else {}
        shown = {"phone", *(f"request-{one.id}" for one in found)}
        for field in [one for one in form.problems if one not in shown]:  # its request is settled by now
            form.problems[""] = form.problems.pop(field)
        return page(
            "data_requests/data_requests.html", status, form=form, requests=found, at=now(), numbers=numbers,
            longest_reason=LONGEST_REASON, kinds=[(_value(one), *one) for one in KINDS],
        )  # fmt: skip


def _numbers(panel: Panel, found: Sequence[DataRequest]) -> dict[int, str]:
    """Return the telephone numbers of the requests that are about no single case: nothing else tells them apart."""
    return {
        one.id: panel.citizens.number_of(one.citizen)
        for one in found
        if one.case_id is None and one.citizen is not None
    }


def _ask(panel: Panel, form: Form) -> str:
    """File what a citizen asks in person, by any spelling of the number."""
    with panel.database.session() as session:
        require_in(session, Action.SEE_NUMBERS, [visitor().account.unit_id])
        if read_typed_number(form.value("phone")) is None:
            raise UsageError("panel.data_requests.not_a_number")
        citizen = panel.citizens.look_up(session, form.value("phone"))
        if citizen is None:
            raise NoSuchCitizen
        kind, purpose = {_value(one): one for one in KINDS}.get(form.value("kind"), (None, None))
        if kind is None:
            raise UsageError("panel.data_requests.no_action")
        asked = data_requests.ask(
            session, kind, citizen, Channel.PANEL, visitor().actor, now(),
            unit_id=visitor().account.unit_id, purpose=purpose,
        )  # fmt: skip
        if kind is DataRight.WITHDRAWAL:
            return say("data_requests.withdrawn", number=asked.request.id, at=asked.request.due_at)
        return say("data_requests.asked") if asked.is_new else say("data_requests.asked_before")


def _erase(panel: Panel, form: Form) -> str:
    """Erase for good, once the visitor has confirmed it."""
    with panel.database.session() as session:
        request = _mine(session, form)
        if request.kind != DataRight.ERASURE:
            raise UsageError("panel.data_requests.no_action")
        if form.value("confirmed") != "yes":
            raise UsageError("panel.data_requests.not_confirmed")
        try:
            erased = data_requests.erase(
                session, panel.store, panel.citizens, request, is_any_on_air, visitor().actor, now()
            )
        except CaseHeld as held:
            raise RequestRefused(held.message) from None
    panel.database.forget(privacy.TABLES)
    return say("data_requests.erased", cases=erased.cases, files=erased.files)


def _copy(panel: Panel, form: Form) -> Response:
    """Return the data of the citizen as a file, and settle the request."""
    with panel.store.scratch() as folder:
        target = Path(folder) / "data.zip"
        with panel.database.reading() as session:
            request = _mine(session, form, locked=False)
            if request.kind != DataRight.ACCESS:
                raise UsageError("panel.data_requests.no_action")
            if request.citizen is None:
                raise RequestRefused("data_request.nothing_left")
            number = panel.citizens.number_of(request.citizen)
            cases = write_archive(session, panel.store, panel.citizens, number, target)
        with panel.database.session() as session:
            request = _mine(session, form)
            data_requests.settle(session, request, visitor().actor, now())
            audit.record(session, visitor().actor, "citizen.export", "citizen", cases=cases)
        # The open file outlives its folder.
        return send_file(target.open("rb"), "application/zip", as_attachment=True, download_name=_name(request))


def _settle(panel: Panel, form: Form) -> str:
    """Record that an objection was followed."""
    with panel.database.session() as session:
        request = _mine(session, form)
        if request.kind != DataRight.OBJECTION:
            raise UsageError("panel.data_requests.no_action")
        data_requests.settle(session, request, visitor().actor, now())
    return say("data_requests.followed")


def _refuse(panel: Panel, form: Form) -> str:
    with panel.database.session() as session:
        data_requests.refuse(session, _mine(session, form), form.value("reason"), visitor().actor, now())
    return say("data_requests.refused")


def _mine(session: Session, form: Form, *, locked: bool = True) -> DataRequest:
    """Return the request, of the visitor's units, that the visitor may settle. Raises NoSuchRequest or NotAllowed."""
    number = form.row_id("request")
    request = data_requests.find(session, number, locked=locked)
    if request.unit_id not in visitor().units:
        raise NoSuchRequest(number)
    concerned = Case.citizen_id == request.citizen_id if request.case_id is None else Case.id == request.case_id
    everywhere = request.kind == DataRight.ACCESS and request.citizen_id is not None
    units = sa.select(Case.unit_id).where(Case.citizen_id == request.citizen_id if everywhere else concerned)
    require_in(session, Action.PRIVACY, {request.unit_id, *session.scalars(units)})
    if request.state != RequestState.OPEN:
        raise RequestRefused("data_request.settled", number=request.id)
    return request


def _value(kind: tuple[DataRight, Purpose | None]) -> str:
    return ":".join(str(one) for one in kind if one is not None)


def _name(request: DataRequest) -> str:
    return f"du-lieu-{request.id}.zip"


ACTS: dict[str, Act] = {"ask": _ask, "erase": _erase, "copy": _copy, "settle": _settle, "refuse": _refuse}
"""The actions of the form by their value of `do`."""
