"""Why somebody is not let in. Each sentence is the same for whatever exactly was wrong."""

from haichieu.errors import HaiChieuError


class AccessRefused(HaiChieuError):
    """Somebody is not let in."""


class WrongPassword(AccessRefused):
    """The e-mail or the password is wrong; which of the two is not told."""

    def __init__(self) -> None:
        super().__init__("Email hoặc mật khẩu không đúng. / The e-mail or the password is wrong.")


class WrongCode(AccessRefused):
    """The one-time code is wrong, or was used."""

    def __init__(self) -> None:
        super().__init__(
            "Mã xác nhận không đúng hoặc đã dùng. / The code is wrong or was used already: wait for the next one."
        )


class LockedOut(AccessRefused):
    """Too many wrong tries for this account or from this address; even the right password is refused for now."""

    def __init__(self) -> None:
        super().__init__(
            "Nhập sai quá nhiều lần: xin thử lại sau 15 phút. / Too many wrong tries: please try again in 15 minutes."
        )


class PasswordTooWeak(AccessRefused):
    """The new password is too short or too long, or is the account's own name."""


class TokenRefused(AccessRefused):
    """The API token is not one, was revoked or has run out."""

    def __init__(self) -> None:
        super().__init__("Mã truy cập không hợp lệ. / The token is not valid: make another with `haichieu token`.")
