"""Access check before every route: authentication, permission and CSRF.

Pages use a cookie, the API a bearer token; neither accepts the other. A visitor without a session is sent to the login
page, together with what they had typed into a form.
"""

from flask import Flask, Response, g, request
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from admin.access import sessions, tokens
from admin.access.errors import TokenRefused
from admin.access.kept_forms import NotSignedIn, keep_from_request
from admin.access.permissions import Rule, rule_of
from admin.access.proofs import digest_of
from admin.access.rate_limits import ApiLimits
from admin.access.visitors import Visitor, visitor, visitor_or_none
from admin.panel import Panel
from haichieu.account_rights import require_everywhere, units_of
from haichieu.database import now
from haichieu.people import Account
from haichieu.station import the_station

API = "/api/"
WEBHOOKS = "/webhooks/"
API_LIMITS = "haichieu_api_limits"
_SAFE = ("GET", "HEAD", "OPTIONS")


def register_gate(app: Flask, panel: Panel) -> None:
    """Check access before every route of the application."""
    csrf = CSRFProtect()
    csrf.init_app(app)
    app.extensions[API_LIMITS] = ApiLimits()

    @app.before_request
    def let_in() -> None:
        rule = rule_of(app, request.endpoint)
        if rule is None:
            g.visitor = None if request.path.startswith(API) else _by_cookie(panel)
            return  # no such route or method
        if request.path.startswith(API):
            _let_in_to_api(panel, app.extensions[API_LIMITS], rule)
            return
        g.visitor = None if request.path.startswith(WEBHOOKS) else _by_cookie(panel, is_use=not rule.in_background)
        if rule.signed_in and visitor_or_none() is None:
            raise NotSignedIn(None if request.method in _SAFE else keep_from_request(panel, cookie_name(panel)))
        if request.method not in _SAFE and not request.path.startswith(WEBHOOKS):
            csrf.protect()
        if rule.signed_in:
            with panel.database.reading() as session:
                _require(session, rule)

    @app.after_request
    def nothing_unchecked(response: Response) -> Response:
        rule = rule_of(app, request.endpoint)
        rule = rule and rule.of_request(request.view_args or {})
        did_something = response.status_code < 400 and request.method not in _SAFE
        if rule and rule.checks_units and did_something and not g.get("units_were_checked"):
            raise RuntimeError(f"{request.endpoint} did something without asking in which units")
        return response


def cookie_name(panel: Panel) -> str:
    """Return the name of the session cookie. The prefix binds it to this host and to TLS (RFC 6265bis §4.1.3.2)."""
    return "__Host-haichieu" if panel.is_https else "haichieu"


def address_of_request() -> str:
    """Return the client address of the request."""
    return request.remote_addr or "?"


def _let_in_to_api(panel: Panel, limits: ApiLimits, rule: Rule) -> None:
    if not rule.signed_in:
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenRefused
    account = _account_with_token(panel, limits, token.strip())
    with panel.database.reading() as session:
        g.timezone = the_station(session).timezone
        g.visitor = _visitor(session, account)
        _require(session, rule)


def _account_with_token(panel: Panel, limits: ApiLimits, token: str) -> Account:
    digest, address = digest_of(token), address_of_request()
    limits.before_look_up(digest, address)
    try:
        account = tokens.account_with_token(panel.database, token, now())
    except TokenRefused:
        limits.refused(address)
        raise
    limits.accepted(digest, changes=request.method not in _SAFE)
    return account


def _by_cookie(panel: Panel, *, is_use: bool = True) -> Visitor | None:
    proof = request.cookies.get(cookie_name(panel))
    if not proof:
        return None
    moment = now()
    with panel.database.reading() as session:
        login = sessions.find(session, proof, moment)
        if login is None:
            return None
        g.timezone = the_station(session).timezone
        found = _visitor(session, login.account, login.id)
    if is_use and sessions.is_use_worth_noting(login, moment):
        with panel.database.session() as session:
            sessions.note_use(session, login.id, moment)
    return found


def _visitor(session: Session, account: Account, login_id: int | None = None) -> Visitor:
    return Visitor(account, frozenset(units_of(session, account)), login_id)


def _require(session: Session, route: Rule) -> None:
    arguments = dict(request.view_args or {})
    rule = route.of_request(arguments)
    if rule is None:
        raise NotFound
    if rule.action is None:
        return
    if route.steps is not None:
        del arguments["step"]
    units = () if rule.where is None else rule.where(session, **arguments)
    require_everywhere(session, visitor().account, rule.action, units)
