"""What somebody had typed when their login ran out: it goes through the login, and the form is shown filled again.

The fields travel signed in the login page itself, so that nothing is kept for somebody who never comes back. After the
login they wait in its row until the form's page is shown. They are given back to the same account alone, and never sent
on by themselves: the person presses the button again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import g, request
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
_NEVER_KEPT = ("csrf_token", "once", "password", "new_password", "code", "pin")


@dataclass(frozen=True)
class KeptForm:
    """The page a form stands on, its fields, and whose they are (None when the login is not known any more)."""

    page: str
    fields: Mapping[str, list[str]]
    account_id: int | None


class NotSignedIn(AccessRefused):
    """A page needs a login; `kept` is what was typed into the form that brought us here, None when it was no form."""

    def __init__(self, kept: KeptForm | None) -> None:
        super().__init__("panel.access.sign_in_first")
        self.kept = kept


def keep_from_request(panel: Panel, cookie: str) -> KeptForm:
    """Take what was typed out of a request that comes too late; nothing of a form of somebody else's page."""
    page = path_within(urlsplit(request.referrer or "").path or HOME)
    proof = request.cookies.get(cookie)
    with panel.database.session() as session:
        login = sessions.find_even_ended(session, proof) if proof else None
        account_id = login.account_id if login else None
    fields = {name: request.form.getlist(name) for name in request.form if name not in _NEVER_KEPT}
    size = sum(len(value) for values in fields.values() for value in values)
    ours = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin" and _from_here()
    return KeptForm(page, fields if ours and account_id and size <= MOST_CHARACTERS else {}, account_id)


def seal(panel: Panel, kept: KeptForm) -> str:
    """A form as a signed text, for a hidden field."""
    return _serializer(panel).dumps([kept.page, dict(kept.fields), kept.account_id])


def unseal(panel: Panel, sealed: str) -> KeptForm | None:
    """The form that was sealed here not too long ago; None for anything else."""
    try:
        page, fields, account_id = _serializer(panel).loads(sealed, max_age=HOURS_TO_COME_BACK * 3600)
    except (BadData, ValueError):
        return None
    return KeptForm(path_within(page), fields, account_id)


def give_back(session: Session, login_id: int, account_id: int, kept: KeptForm) -> None:
    """Leave the form for its page to find, when it is the same person who came back."""
    if kept.fields and kept.account_id == account_id:
        sessions.keep_form(session.get_one(WebSession, login_id), kept.page, kept.fields)


def take_kept(panel: Panel) -> Mapping[str, list[str]]:
    """The fields that wait for the page that is being shown; they are taken away by that."""
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
