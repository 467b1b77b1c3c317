"""Root of the errors that carry a message for people.

    HaiChieuError
    ├── UsageError            the request itself is wrong (exit status 2)
    │   ├── SettingsError     a setting is missing or impossible
    │   └── DistrictFileError a mistake in a district file, with its line
    ├── NotFound              there is no such thing (HTTP 404)
    ├── NotAllowed            the person may not do this (HTTP 403)
    ├── TooMany               too many attempts (HTTP 429)
    ├── EnvironmentProblem    the machine cannot do what is asked (exit status 1, HTTP 503)
    └── …                     each room adds its own, in the module that raises it

An error carries a message of the catalogue (`haichieu.locale`) that says what was wrong, where, and what to do; the
edges render it in the language of the person who asked. Logs and alarms show of any error what `message_of` returns.
"""

from collections.abc import Iterator

from haichieu.locale.messages import Field, Message
from haichieu.locale.rendering import render


class HaiChieuError(Exception):
    """Something the station refuses or fails to do, with a message for the person who asked for it.

    `key` is a key of the catalogue and `fields` its fields; a `Message` is taken as it is.
    """

    exit_status = 1
    http_status = 409

    def __init__(self, key: str | Message, /, **fields: Field) -> None:
        self.message = key if isinstance(key, Message) else Message(key, fields)
        super().__init__(self.message)

    def __str__(self) -> str:
        return render(self.message, "en")


class UsageError(HaiChieuError):
    """The request itself is wrong; trying again unchanged cannot help."""

    exit_status = 2


class SettingsError(UsageError):
    """A setting is missing, contradictory or impossible."""


class EnvironmentProblem(HaiChieuError):
    """The machine lacks something: a port, a permission, disk space, a package."""

    http_status = 503


class NotFound(HaiChieuError):
    """There is no such thing."""

    http_status = 404


class NotAllowed(HaiChieuError):
    """The person may not do this."""

    http_status = 403


class TooMany(HaiChieuError):
    """Too many attempts or requests."""

    http_status = 429


class InvalidValue(ValueError):
    """A value that a pydantic validator refuses, with a message of the catalogue.

    Code that reports pydantic's errors takes the message from `error["ctx"]["error"].message`.
    """

    def __init__(self, key: str | Message, /, **fields: Field) -> None:
        self.message = key if isinstance(key, Message) else Message(key, fields)
        super().__init__(self.message)

    def __str__(self) -> str:
        return render(self.message, "en")


def message_of(problem: BaseException) -> Message:
    """Return what logs and alarms may show of an error.

    Errors of ours have a message. The words of any other error may contain what a citizen wrote or a number, and so may
    the details of a refused statement: only the kind, the code and the constraint are shown.
    """
    if isinstance(problem, HaiChieuError | InvalidValue):
        return problem.message
    if isinstance(problem, OSError) and problem.strerror:
        return Message.verbatim(problem.strerror)
    driver = getattr(problem, "orig", None)  # SQLAlchemy's wrapper of the error of a database driver
    return Message.verbatim(" ".join(_kind_and_codes(driver if isinstance(driver, Exception) else problem)))


def shown(problem: BaseException) -> str:
    """Return `message_of` in English, for logs."""
    return render(message_of(problem), "en")


def _kind_and_codes(problem: BaseException) -> Iterator[str]:
    yield type(problem).__name__
    if (code := getattr(problem, "sqlite_errorname", None)) is not None:
        yield code
    if (answer := getattr(problem, "diag", None)) is None:
        return
    if answer.sqlstate is None:  # PostgreSQL has not answered, so it has not seen a statement
        yield str(problem).partition("\n")[0]
    else:
        yield from (code for code in (answer.sqlstate, answer.constraint_name) if code is not None)
