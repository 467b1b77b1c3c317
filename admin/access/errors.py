"""Refusals at sign-in. No sentence tells which of the credentials was wrong."""

import datetime
import math

from haichieu.errors import HaiChieuError, TooMany


class AccessRefused(HaiChieuError):
    """Sign-in, or a request with a token, is refused."""


class WrongPassword(AccessRefused):
    """The e-mail or the password is wrong; the message does not say which."""

    def __init__(self, key: str = "panel.access.wrong_password") -> None:
        super().__init__(key)


class WrongCode(AccessRefused):
    """The one-time code is wrong or was used before."""

    def __init__(self) -> None:
        super().__init__("panel.access.wrong_code")


class LockedOut(AccessRefused, TooMany):
    """Too many failed attempts for this account or from this address; the right password is refused too."""

    def __init__(self, wait: datetime.timedelta) -> None:
        super().__init__("panel.access.locked", count=math.ceil(wait / datetime.timedelta(minutes=1)))


class PasswordTooWeak(AccessRefused):
    """The new password is too short, too long or too easy to guess."""


class TokenRefused(AccessRefused):
    """The API token is unknown or was revoked."""

    http_status = 401

    def __init__(self) -> None:
        super().__init__("api.token_refused")
