"""Sign-in: e-mail and password, then a code where the account requires one, then back to the requested page."""

import datetime
from urllib.parse import urlencode, urlsplit

from flask import Flask, redirect, request, session, url_for
from werkzeug.wrappers import Response

from admin.access import kept_forms, second_factor, sessions
from admin.access.errors import AccessRefused
from admin.access.gate import address_of_request, cookie_name
from admin.access.kept_forms import KeptForm, NotSignedIn
from admin.access.known_devices import device_name, remember_device
from admin.access.models import WebSession
from admin.access.paths import path_within
from admin.access.permissions import for_anyone_signed_in, open_to_all
from admin.access.proofs import digest_of
from admin.access.sign_in import Origin, PanelSignIn, account_with
from admin.access.visitors import visitor, visitor_or_none
from admin.layout import sent_forms
from admin.layout.pages import Form, page, sent_form
from admin.panel import Panel
from haichieu.database import Database, now
from haichieu.people import Account

HALF_IN = "half_in"
TIME_FOR_THE_CODE = datetime.timedelta(minutes=5)


def register_login(app: Flask, panel: Panel) -> None:
    """Add the pages of signing in and out."""
    attempts = PanelSignIn(panel.database, panel.vault)

    @app.get("/login")
    @open_to_all
    def login() -> Response:
        """Show the login page."""
        wanted = path_within(request.args.get("next"))
        return redirect(wanted, 303) if visitor_or_none() else _page(Form(), wanted)

    @app.post("/login")
    @open_to_all
    def login_with_password() -> Response:
        """Check e-mail and password."""
        form, moment = sent_form(), now()
        email = form.value("email").strip()
        with panel.database.reading() as transaction:
            known = account_with(transaction, email)
        checked = attempts.check_password(email, form.value("password"), origin_of(panel, known), moment)
        if isinstance(checked, AccessRefused):
            form.problems[""] = checked.message
            return _again(form)
        with panel.database.reading() as transaction:
            asks_code = second_factor.is_on(transaction, checked.id)
        if asks_code:
            session.clear()
            session[HALF_IN] = [checked.id, digest_of(checked.password_hash), moment.timestamp()]
            return _again(form, 200, asks_code=True)
        return _enter(panel, checked, form, moment)

    @app.post("/login/code")
    @open_to_all
    def login_with_code() -> Response:
        """Check the one-time code after the right password."""
        form, moment = sent_form(), now()
        account = _half_in(panel.database, moment)
        if account is None:
            return redirect(url_for("login", next=path_within(form.value("next"))), 303)
        refusal = attempts.check_code(account, form.value("code"), origin_of(panel, account), moment)
        if refusal is not None:
            form.problems[""] = refusal.message
            return _again(form, asks_code=True)
        return _enter(panel, account, form, moment)

    @app.post("/logout")
    @for_anyone_signed_in
    def logout() -> Response:
        """End this session."""
        with panel.database.session() as transaction:
            found = transaction.get_one(WebSession, visitor().login_id)
            sessions.end(transaction, found, visitor().actor, "session.logout", now())
        session.clear()
        kept_forms.remember_account(visitor().account.id)  # for what is typed in other tabs
        response = redirect(url_for("login"), 303)
        response.delete_cookie(cookie_name(panel), secure=panel.is_https, httponly=True, samesite="Lax")
        return response

    @app.errorhandler(NotSignedIn)
    def not_signed_in(refusal: NotSignedIn) -> Response:
        if "text/event-stream" in request.accept_mimetypes.values():
            return Response(status=401)
        if request.headers.get("HX-Request"):  # a part of a page: redirect the whole page
            page_of_it = path_within(urlsplit(request.headers.get("HX-Current-URL", "")).path)
            return Response(
                status=401, headers={"HX-Redirect": f"{url_for('login')}?{urlencode({'next': page_of_it})}"}
            )
        if refusal.kept is None:
            return redirect(f"{url_for('login')}?{urlencode({'next': request.full_path.rstrip('?')})}", 303)
        sealed = kept_forms.seal(panel, refusal.kept) if refusal.kept.fields else ""
        return _page(Form(), refusal.kept.page, sealed, 401)


def origin_of(panel: Panel, account: Account | None) -> Origin:
    """Return where this request's credentials come from."""
    return Origin(address_of_request(), device_name(panel, account.id) if account else "")


def enter(panel: Panel, response: Response, account: Account, moment: datetime.datetime) -> int:
    """Start a session in this browser, set its cookies and return its id. The browser's earlier session is void."""
    session.clear()
    kept_forms.remember_account(account.id)
    with panel.database.session() as transaction:
        proof, number = sessions.begin(
            transaction, account, address_of_request(), request.headers.get("User-Agent", ""), moment
        )
    response.set_cookie(
        cookie_name(panel), proof, max_age=int(sessions.ABSOLUTE.total_seconds()), path="/",
        secure=panel.is_https, httponly=True, samesite="Lax",
    )  # fmt: skip
    remember_device(panel, response, account.id)
    return number


def _enter(panel: Panel, account: Account, form: Form, moment: datetime.datetime) -> Response:
    kept = kept_forms.unseal(panel, form.value("kept")) if form.value("kept") else None
    response = redirect(kept.page if kept else path_within(form.value("next")), 303)
    old = request.cookies.get(cookie_name(panel))
    with panel.database.session() as transaction:
        PanelSignIn(panel.database, panel.vault).signed_in(transaction, account, origin_of(panel, account), moment)
        before = sessions.find(transaction, old, moment) if old else None
        if before is not None:
            sessions.end(transaction, before, f"account:{account.email}", "session.replaced", moment)
        sessions.forget(transaction, moment)
        sent_forms.forget(transaction, moment)
    number = enter(panel, response, account, moment)
    if kept is not None:
        _give_back(panel, number, account, kept)
    return response


def _give_back(panel: Panel, number: int, account: Account, kept: KeptForm) -> None:
    with panel.database.session() as transaction:
        kept_forms.give_back(transaction, number, account.id, kept)


def _again(form: Form, status: int = 401, *, asks_code: bool = False) -> Response:
    return _page(form, path_within(form.value("next")), form.value("kept"), status, asks_code=asks_code)


def _page(form: Form, wanted: str, kept: str = "", status: int = 200, *, asks_code: bool = False) -> Response:
    return page("login/login.html", status, form=form, next=wanted, kept=kept, asks_code=asks_code)


def _half_in(database: Database, moment: datetime.datetime) -> Account | None:
    """Return the account whose password was right in this browser a few minutes ago."""
    account_id, mark, at = session.get(HALF_IN, (0, "", 0.0))
    if moment.timestamp() - at > TIME_FOR_THE_CODE.total_seconds():
        return None
    with database.session() as transaction:
        account = transaction.get(Account, account_id)
    return account if account is not None and digest_of(account.password_hash) == mark else None
