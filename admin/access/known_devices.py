"""Cookie of the browsers at which accounts have signed in.

Wrong passwords from a known browser are counted apart from those of strangers, so that strangers cannot keep the owner
of an account out. The cookie opens nothing: it contains a random name per account, signed by the station.
"""

import secrets

from flask import request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from admin.panel import Panel

DAYS = 180
MOST_ACCOUNTS = 10
_SECONDS = DAYS * 24 * 3600


def device_name(panel: Panel, account_id: int) -> str:
    """Return the random name of this browser for an account; empty when it has not signed in here."""
    return _known(panel).get(str(account_id), "")


def remember_device(panel: Panel, response: Response, account_id: int) -> None:
    """Make this browser known for an account; it keeps its name."""
    known = _known(panel)
    name = known.pop(str(account_id), "") or secrets.token_urlsafe(16)
    newest = [*known.items(), (str(account_id), name)][-MOST_ACCOUNTS:]
    response.set_cookie(
        _cookie(panel), _serializer(panel).dumps(dict(newest)), max_age=_SECONDS, path="/",
        secure=panel.is_https, httponly=True, samesite="Lax",
    )  # fmt: skip


def _known(panel: Panel) -> dict[str, str]:
    try:
        known: dict[str, str] = _serializer(panel).loads(request.cookies.get(_cookie(panel), ""), max_age=_SECONDS)
    except BadData:
        return {}
    return known


def _cookie(panel: Panel) -> str:
    return "__Host-haichieu-device" if panel.is_https else "haichieu-device"


def _serializer(panel: Panel) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(panel.signing_key, salt="known-device")
