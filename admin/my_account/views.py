"""Pages of the visitor's own account: password, one-time codes, sessions, API tokens."""

from functools import partial

from flask import Flask, abort, flash, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from admin.access import second_factor, sessions, tokens
from admin.access.confirming import FIELD, confirm_password
from admin.access.kept_forms import take_kept
from admin.access.models import WebSession
from admin.access.page_steps import Step, add_steps
from admin.access.permissions import for_anyone_signed_in
from admin.access.sign_in import change_password, require_good_password
from admin.access.visitors import visitor
from admin.layout.language import say, sentence
from admin.layout.pages import Form, page, page_shown_once, sent_form
from admin.login.views import enter
from admin.my_account.browsers import browser_name
from admin.notices.views import change_notices
from admin.panel import Panel
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.errors import HaiChieuError, UsageError
from haichieu.locale import Message
from haichieu.people import Account
from haichieu.station import the_station
from haichieu.vault import hash_secret

TOKEN_DAYS = (30, 90, 365)


def register_my_account(app: Flask, panel: Panel) -> None:
    """Add the pages of the visitor's own account."""

    app.jinja_env.filters["browser"] = browser_name
    app.jinja_env.filters["action_words"] = lambda name: sentence(Action(name).words)

    @app.get("/account")
    @for_anyone_signed_in
    def my_account() -> Response:
        """Show password, second factor, sessions and tokens."""
        return _overview(panel)

    steps = {
        "password": _change_password, "second-factor": _turn_codes_on, "second-factor-off": _turn_codes_off,
        "end-login": _end_login, "token": _create_token, "revoke-token": _revoke_token,
        "notifications": change_notices,
    }  # fmt: skip
    pages = {"second-factor": lambda: _set_up(panel, Form())}
    add_steps(
        app, "/account/<step>", "my_step", lambda: url_for("my_account"),
        {name: Step(None, partial(do, panel), pages.get(name)) for name, do in steps.items()},
    )  # fmt: skip


def _change_password(panel: Panel) -> Response:
    """Change the password; every other session and every API token ends, and this session is renewed."""
    form, moment = sent_form(), now()
    try:
        if form.value("new_password") != form.value("new_password_again"):
            raise UsageError("panel.my_account.passwords_differ")
        confirm_password(panel, form)
        require_good_password(visitor().account, form.value("new_password"))
        hashed = hash_secret(form.value("new_password"))
        with panel.database.session() as session:
            account = session.get_one(Account, visitor().account.id)
            sessions.end_all(session, account.id, visitor().actor, moment)
            tokens.revoke_all(session, account.id, visitor().actor, moment)
            change_password(session, account, hashed)
    except HaiChieuError as refusal:
        return _overview(panel, password_problem=refusal.message, status=422)
    response = redirect(url_for("my_account"), 303)
    enter(panel, response, account, moment)
    flash(say("my_account.password_changed"))
    return response


def _turn_codes_on(panel: Panel) -> Response:
    """Turn codes on with the first of them (asks for the password), and show the recovery codes once."""
    form = sent_form()
    try:
        confirm_password(panel, form)
    except HaiChieuError as refusal:
        form.problems[FIELD] = refusal.message
        return _set_up(panel, form, 422)
    with panel.database.session() as session:
        account = session.get_one(Account, visitor().account.id)
        codes = second_factor.confirm(session, panel.vault, account, form.value("code"), now())
    if codes is None:
        form.problems["code"] = say("second_factor.wrong")
        return _set_up(panel, form, 422)
    return page_shown_once(
        "entries/shown_once.html", about="recovery", secrets=[("", code) for code in codes], back="my_account"
    )


def _turn_codes_off(panel: Panel) -> Response:
    """Turn off two-factor authentication (asks for the password)."""
    try:
        confirm_password(panel, sent_form())
    except HaiChieuError as refusal:
        return _overview(panel, second_factor_problem=refusal.message, status=422)
    with panel.database.session() as session:
        second_factor.switch_off(session, session.get_one(Account, visitor().account.id), visitor().actor)
    flash(say("my_account.second_factor_off"))
    return redirect(url_for("my_account"), 303)


def _end_login(panel: Panel) -> Response:
    """End one of the visitor's sessions."""
    with panel.database.session() as session:
        login = session.get(WebSession, sent_form().row_id("login"))
        if login is None or login.account_id != visitor().account.id:
            abort(404)
        sessions.end(session, login, visitor().actor, "session.revoke", now())
    return redirect(url_for("my_account"), 303)


def _create_token(panel: Panel) -> Response:
    """Create an API token and show it once (asks for the password)."""
    form = sent_form()
    try:
        confirm_password(panel, form)
        with panel.database.session() as session:
            account = session.get_one(Account, visitor().account.id)
            token = tokens.create(session, account, form.value("name"), visitor().actor, now(), _limits(form))
    except HaiChieuError as refusal:
        return _overview(panel, token_problem=refusal.message, status=422)
    return page_shown_once(
        "entries/shown_once.html", about="token", secrets=[(form.value("name"), token)], back="my_account"
    )


def _revoke_token(panel: Panel) -> Response:
    """Revoke one of the visitor's API tokens."""
    with panel.database.session() as session:
        tokens.revoke(session, sent_form().row_id("token"), visitor().actor, now(), of=visitor().account.id)
    return redirect(url_for("my_account"), 303)


def _limits(form: Form) -> tokens.Limits:
    """Return the chosen rights and days. Raises UsageError."""
    try:
        return tokens.Limits({Action(name) for name in form.values("scope")}, int(form.value("days")))
    except ValueError as problem:
        raise UsageError("api.token_scope") from problem


def _overview(panel: Panel, status: int = 200, **problems: Message) -> Response:
    account_id = visitor().account.id
    with panel.database.reading() as session:
        found = {
            "account": session.get_one(Account, account_id),
            "logins": sessions.open_logins(session, account_id, now()),
            "tokens": tokens.tokens_of(session, now(), account_id),
            "scopes": [action for action in tokens.SCOPES if visitor().may(action)],
            "days": TOKEN_DAYS,
            "has_second_factor": second_factor.is_on(session, account_id),
            "codes_left": second_factor.recovery_codes_left(session, account_id),
        }
    form = Form(take_kept(panel) if request.method == "GET" else sent_form().fields)
    return page(
        "my_account/my_account.html", status, this_login=visitor().login_id, form=form, problems=problems, **found
    )


def _set_up(panel: Panel, form: Form, status: int = 200) -> Response:
    with panel.database.session() as session:
        account = session.get_one(Account, visitor().account.id)
        if second_factor.is_on(session, account.id):
            return redirect(url_for("my_account"), 303)
        secret = second_factor.prepare(session, panel.vault, account, now())
        image = second_factor.qr_code(secret, account, the_station(session).name)
    return page("my_account/second_factor.html", status=status, form=form, secret=secret, qr_code=Markup(image))  # noqa: S704
