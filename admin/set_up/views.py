"""Pages of the first run: first administrator, set-up steps, test call."""

import datetime

from flask import Flask, abort, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.errors import PasswordTooWeak
from admin.access.permissions import needs, open_to_all, require_in
from admin.access.sign_in import PanelSignIn, require_good_password
from admin.access.visitors import visitor
from admin.entries.entry_forms import form_of
from admin.entries.scope import every_unit, units_to_choose
from admin.layout.pages import Form, page, sent_form
from admin.login.views import enter, origin_of
from admin.panel import Panel
from admin.set_up.first_link import is_empty, is_right, use_up
from admin.set_up.progress import Step, first_call, line_to_dial, missing, phones_to_call, who_can_call
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.district.entries import ACCOUNT, UNIT, EntryRefused, save
from haichieu.locale import Message, message
from haichieu.people import Account, Level, Role
from haichieu.prepared_hashes import PreparedHashes
from haichieu.station import Station, the_station
from ivr.calls import trial_calls
from ivr.calls.trial_calls import TrialCallRefused

CALL_WINDOW = datetime.timedelta(hours=1)
WHO = "first run"
LEVELS = [level for level in Level if level is not Level.DISTRICT]
"""Levels of new stations: districts no longer exist."""


def register_set_up(app: Flask, panel: Panel) -> None:
    """Add the pages of the first run."""

    @app.get("/first-run/<token>")
    @open_to_all
    def first_run(token: str) -> Response:
        """Show the form for the unit and the first administrator of an empty station."""
        _require_link(panel, token)
        return page("set_up/first_run.html", form=Form({"level": [Level.COMMUNE]}), levels=LEVELS)

    @app.post("/first-run/<token>")
    @open_to_all
    def begin_station(token: str) -> Response:
        """Create the unit and the administrator, and sign in."""
        _require_link(panel, token)
        form, moment = sent_form(), now()
        try:
            if form.value("password") != form.value("password_again"):
                raise EntryRefused({"password": message("panel.first_run.passwords_differ")})
            hashes = PreparedHashes()
            hashes.prepare("", form.value("password"))
            with panel.database.session() as session:
                account = _begin(session, panel, form, hashes)
                if not use_up(panel.settings):
                    abort(404)
        except EntryRefused as refusal:
            form.problems.update(refusal.problems)
            return page("set_up/first_run.html", 422, form=form, levels=LEVELS)
        with panel.database.session() as session:
            PanelSignIn(panel.database, panel.vault).signed_in(session, account, origin_of(panel, account), moment)
        response = redirect(url_for("set_up"), 303)
        enter(panel, response, account, moment)
        return response

    @app.get("/set-up")
    @needs(Action.CONFIGURE)
    def set_up() -> Response:
        """Show the steps and which of them are done, and the state of the test call."""
        return _steps(panel, form_of(panel))

    @app.post("/set-up/test-call")
    @needs(Action.CONFIGURE, checks_units=True)
    def place_test_call() -> Response:
        """Have the station call a telephone and play a sentence."""
        form = sent_form()
        number = form.value("phone")
        try:
            with panel.database.session() as session:
                require_in(session, Action.CONFIGURE, ())
                if number not in dict(phones_to_call(session, visitor())):
                    raise TrialCallRefused("call.trial.only_known")
                trial_calls.request(session, number, visitor().actor, now())
        except TrialCallRefused as refusal:
            form.problems["phone"] = refusal.message
            return _steps(panel, form, 422)
        return redirect(url_for("set_up", _anchor="test_call"), 303)


def _require_link(panel: Panel, token: str) -> None:
    """Answer 404 unless the station is empty and this is its link."""
    with panel.database.session() as session:
        if not is_empty(session) or not is_right(panel.settings, token):
            abort(404)


def _begin(session: Session, panel: Panel, form: Form, hashes: PreparedHashes) -> Account:
    """Create the unit and its administrator. Raises EntryRefused."""
    unit = {"code": form.values("unit"), "name": form.values("unit_name"), "level": form.values("level")}
    problems: dict[str, Message] = {}
    try:
        save(session, panel.vault, UNIT, unit, WHO)
    except EntryRefused as refusal:
        names = {"code": "unit", "name": "unit_name"}
        problems = {names.get(name, name): said for name, said in refusal.problems.items()}
    person = {name: form.values(name) for name in ("email", "name", "password", "unit")}
    if problems:
        raise EntryRefused(problems)
    account: Account = save(session, panel.vault, ACCOUNT, {**person, "role": [str(Role.ADMIN)]}, WHO, hashes=hashes)
    try:
        require_good_password(account, form.value("password"))
    except PasswordTooWeak as refusal:
        raise EntryRefused({"password": refusal.message}) from refusal
    if session.get(Station, 1) is None:
        session.add(Station(id=1, name=form.value("unit_name").strip()[:200]))
    session.flush()
    return account


def _steps(panel: Panel, form: Form, status: int = 200) -> Response:
    with panel.database.reading() as session:
        left = missing(session)
        units = units_to_choose(session, visitor())
        shown = {
            "trial": trial_calls.newest_call(session), "call": first_call(session, now() - CALL_WINDOW),
            "official": who_can_call(session), "number": line_to_dial(session),
            "station": the_station(session), "phones": phones_to_call(session, visitor()),
            "may_all": visitor().units.issuperset(every_unit(session)),
        }  # fmt: skip
    unit = next((one for one in units if one.id == visitor().account.unit_id), None)
    return page("set_up/set_up.html", status, steps=list(Step), left=left, form=form, unit=unit, **shown)
