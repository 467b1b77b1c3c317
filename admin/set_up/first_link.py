"""The link that lets the first administrator of an empty station in.

It holds 256 random bits that lie in the station's home (mode 0600), so whoever opens the link could also read the
home. It is good while there is no account, and for one account: taking it removes the file before anything is written.
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
    """Say whether nobody has an account yet."""
    return session.scalar(sa.select(Account.id).limit(1)) is None


def first_link(settings: Settings) -> str:
    """The link, made on first use."""
    host = "127.0.0.1" if settings.bind == EVERYWHERE else settings.bind
    base = settings.public_url.rstrip("/") or f"http://{host}:{settings.web_port}"
    return f"{base}/first-run/{_token(settings.home)}"


def is_right(settings: Settings, token: str) -> bool:
    """Say whether this is what the link holds."""
    return hmac.compare_digest(_token(settings.home).encode(), token.encode())


def use_up(settings: Settings) -> bool:
    """Take the link away; of two who come together, one is told yes."""
    try:
        (settings.home.absolute() / "secrets" / FILE).unlink()
    except FileNotFoundError:
        return False
    return True


def _token(home: Path) -> str:
    return station_secret(home.absolute(), FILE, lambda: secrets.token_urlsafe(32).encode()).decode()
