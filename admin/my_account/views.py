"""Pages of the visitor's own account: password, one-time codes, sessions, API tokens."""

from flask import Flask, abort, flash, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from admin.access import second_factor, sessions, sign_in, tokens
from admin.access.errors import AccessRefused
from admin.access.gate import address_of_request
from admin.access.kept_forms import take_kept
from admin.access.models import WebSession
from admin.access.permissions import for_anyone_signed_in
from admin.access.visitors import visitor
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.login.views import enter
from admin.my_account.browsers import browser_name
from admin.panel import Panel
from haichieu.database import now
from haichieu.errors import HaiChieuError, UsageError
from haichieu.locale import Message
from haichieu.people import Account
from haichieu.station import the_station


def register_my_account(app: Flask, panel: Panel) -> None:
    """Add the pages of the visitor's own account."""

    app.jinja_env.filters["browser"] = browser_name

    @app.get("/account")
    @for_anyone_signed_in
    def my_account() -> Response:
        """Show password, second factor, sessions and tokens."""
        return _overview(panel)

    @app.post("/account/password")
    @for_anyone_signed_in
    def change_my_password() -> Response:
        """Change the password; every other session ends and this one is renewed."""
        form, moment = sent_form(), now()
        try:
            if form.value("new_password") != form.value("new_password_again"):
                raise UsageError("panel.my_account.passwords_differ")
            _check_again(panel, form)
            with panel.database.session() as session:
                account = session.get_one(Account, visitor().account.id)
                sessions.end_all(session, account.id, visitor().actor, moment)
                sign_in.change_password(session, account, form.value("new_password"))
        except HaiChieuError as refusal:
            return _overview(panel, password_problem=refusal.message, status=422)
        response = redirect(url_for("my_account"), 303)
        enter(panel, response, account, moment)
        flash(say("my_account.password_changed"))
        return response

    @app.get("/account/second-factor")
    @for_anyone_signed_in
    def my_second_factor() -> Response:
        """Show the secret to scan."""
        return _set_up(panel, Form())

    @app.post("/account/second-factor")
    @for_anyone_signed_in
    def confirm_second_factor() -> Response:
        """Turn codes on with the first of them, and show the recovery codes once."""
        form = sent_form()
        with panel.database.session() as session:
            account = session.get_one(Account, visitor().account.id)
            codes = second_factor.confirm(session, panel.vault, account, form.value("code"), now())
        if codes is None:
            form.problems["code"] = say("second_factor.wrong")
            return _set_up(panel, form, 422)
        return page("recovery_codes.html", codes=codes)

    @app.post("/account/second-factor/off")
    @for_anyone_signed_in
    def my_second_factor_off() -> Response:
        """Turn off two-factor authentication (asks for the password)."""
        try:
            _check_again(panel, sent_form())
        except HaiChieuError as refusal:
            return _overview(panel, second_factor_problem=refusal.message, status=422)
        with panel.database.session() as session:
            second_factor.switch_off(session, session.get_one(Account, visitor().account.id), visitor().actor)
        flash(say("my_account.second_factor_off"))
        return redirect(url_for("my_account"), 303)

    @app.post("/account/logins/<int:number>/end")
    @for_anyone_signed_in
    def end_my_login(number: int) -> Response:
        """End one of the visitor's sessions."""
        with panel.database.session() as session:
            login = session.get(WebSession, number)
            if login is None or login.account_id != visitor().account.id:
                abort(404)
            sessions.end(session, login, visitor().actor, "session.revoke", now())
        return redirect(url_for("my_account"), 303)

    @app.post("/account/tokens")
    @for_anyone_signed_in
    def create_my_token() -> Response:
        """Create an API token and show it once."""
        form = sent_form()
        try:
            with panel.database.session() as session:
                account = session.get_one(Account, visitor().account.id)
                token = tokens.create(session, account, form.value("name"), visitor().actor, now())
        except UsageError as refusal:
            return _overview(panel, token_problem=refusal.message, status=422)
        return page("token.html", token=token, name=form.value("name"))

    @app.post("/account/tokens/<int:number>/revoke")
    @for_anyone_signed_in
    def revoke_my_token(number: int) -> Response:
        """Revoke one of the visitor's API tokens."""
        with panel.database.session() as session:
            tokens.revoke(session, number, visitor().actor, now(), of=visitor().account.id)
        return redirect(url_for("my_account"), 303)


def _overview(panel: Panel, status: int = 200, **problems: Message) -> Response:
    account_id = visitor().account.id
    with panel.database.reading() as session:
        found = {
            "account": session.get_one(Account, account_id),
            "logins": sessions.open_logins(session, account_id, now()),
            "tokens": tokens.tokens_of(session, account_id),
            "has_second_factor": second_factor.is_on(session, account_id),
            "codes_left": second_factor.recovery_codes_left(session, account_id),
        }
    form = Form(take_kept(panel) if request.method == "GET" else sent_form().fields)
    return page("my_account.html", status, this_login=visitor().login_id, form=form, problems=problems, **found)


def _set_up(panel: Panel, form: Form, status: int = 200) -> Response:
    with panel.database.session() as session:
        account = session.get_one(Account, visitor().account.id)
        if second_factor.is_on(session, account.id):
            return redirect(url_for("my_account"), 303)
        secret = second_factor.prepare(session, panel.vault, account, now())
        image = second_factor.qr_code(secret, account, the_station(session).name)
    return page("second_factor.html", status=status, form=form, secret=secret, qr_code=Markup(image))  # noqa: S704


def _check_again(panel: Panel, form: Form) -> None:
    """Raise unless the typed password is the visitor's."""
    with panel.database.session() as session:
        account = session.get_one(Account, visitor().account.id)
        refusal = sign_in.check_again(session, account, form.value("password"), address_of_request(), now())
    if isinstance(refusal, AccessRefused):
        raise refusal
