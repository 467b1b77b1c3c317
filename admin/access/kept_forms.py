"""Forms that outlive an expired session: after the next sign-in they are shown filled in again.

The fields travel signed inside the login page, so nothing is stored for a visitor who never returns. After sign-in
they wait in the session's row until the page of the form is shown. Only the same account gets them back, and they are
never submitted automatically.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import g, request
from flask import session as cookie_of_forms
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy.orm import Session

from admin.access import sessions
from admin.access.errors import AccessRefused
from admin.access.models import WebSession
from admin.access.paths import HOME, path_within
from admin.access.visitors import visitor_or_none
from admin.panel import Panel

MOST_CHARACTERS = 200_000
HOURS_TO_COME_BACK = 12
_ACCOUNT = "typed_by"
_NEVER_KEPT = ("csrf_token", "once", "password", "new_password", "code", "pin")


@dataclass(frozen=True)
class KeptForm:
    """A form's page, its fields, and the account that typed them (None when the session is unknown)."""

    page: str
    fields: Mapping[str, list[str]]
    account_id: int | None


class NotSignedIn(AccessRefused):
    """A page needs a session. `kept` is what was typed into the submitted form; None when no form was submitted."""

    def __init__(self, kept: KeptForm | None) -> None:
        super().__init__("panel.access.sign_in_first")
        self.kept = kept


def keep_from_request(panel: Panel, cookie: str) -> KeptForm:
    """Take the fields from a request without a session; none when the form belongs to another user's page."""
    page = path_within(urlsplit(request.referrer or "").path or HOME)
    proof = request.cookies.get(cookie)
    with panel.database.session() as session:
        login = sessions.find_even_ended(session, proof) if proof else None
        account_id = login.account_id if login else _account_of_browser()
    fields = {name: request.form.getlist(name) for name in request.form if name not in _NEVER_KEPT}
    size = sum(len(value) for values in fields.values() for value in values)
    ours = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin" and _from_here()
    return KeptForm(page, fields if ours and account_id and size <= MOST_CHARACTERS else {}, account_id)


def remember_account(account_id: int) -> None:
    """Note in the signed cookie of forms who works in this browser; that of the session may be gone by then."""
    cookie_of_forms[_ACCOUNT] = account_id


def _account_of_browser() -> int | None:
    account_id = cookie_of_forms.get(_ACCOUNT)
    return account_id if isinstance(account_id, int) else None


def seal(panel: Panel, kept: KeptForm) -> str:
    """Return a form as signed text, for a hidden field."""
    return _serializer(panel).dumps([kept.page, dict(kept.fields), kept.account_id])


def unseal(panel: Panel, sealed: str) -> KeptForm | None:
    """Return the form that was sealed here within the time limit; None for anything else."""
    try:
        page, fields, account_id = _serializer(panel).loads(sealed, max_age=HOURS_TO_COME_BACK * 3600)
    except (BadData, ValueError):
        return None
    return KeptForm(path_within(page), fields, account_id)


def give_back(session: Session, login_id: int, account_id: int, kept: KeptForm) -> None:
    """Store the form for its page, when the same account has signed in again."""
    if kept.fields and kept.account_id == account_id:
        sessions.keep_form(session.get_one(WebSession, login_id), kept.page, kept.fields)


def take_kept(panel: Panel) -> Mapping[str, list[str]]:
    """Return the stored fields for the page that is being shown, and delete them."""
    visitor = visitor_or_none()
    if visitor is None or visitor.login_id is None:
        return {}
    with panel.database.session() as session:
        login = session.get_one(WebSession, visitor.login_id)
        if login.kept_form.get("path") != request.path:
            return {}
        fields: Mapping[str, list[str]] = login.kept_form["fields"]
        login.kept_form = {}
    g.form_was_kept = True
    return fields


def _serializer(panel: Panel) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(panel.signing_key, salt="kept-form")


def _from_here() -> bool:
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
