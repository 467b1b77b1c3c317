"""The link with which the first administrator signs in to an empty station.

It contains 256 random bits, stored in the station's home (mode 0600), so anyone with the link could also read the home.
It is valid while there is no account, and for one account: using it deletes the file before anything is written.
"""

import hmac
import secrets
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.people import Account
from haichieu.settings import EVERYWHERE, Settings
from haichieu.vault import station_secret

FILE = "first-link"


def is_empty(session: Session) -> bool:
    """Return whether there is no account yet."""
    return session.scalar(sa.select(Account.id).limit(1)) is None


def first_link(settings: Settings) -> str:
    """Return the link, created on first use."""
    host = "127.0.0.1" if settings.bind == EVERYWHERE else settings.bind
    base = settings.public_url.rstrip("/") or f"http://{host}:{settings.web_port}"
    return f"{base}/first-run/{_token(settings.home)}"


def is_right(settings: Settings, token: str) -> bool:
    """Return whether this is the token of the link."""
    return hmac.compare_digest(_token(settings.home).encode(), token.encode())


def use_up(settings: Settings) -> bool:
    """Delete the link; of two concurrent users, only one gets True."""
    try:
        (settings.home.absolute() / "secrets" / FILE).unlink()
    except FileNotFoundError:
        return False
    return True


def _token(home: Path) -> str:
    return station_secret(home.absolute(), FILE, lambda: secrets.token_urlsafe(32).encode()).decode()
