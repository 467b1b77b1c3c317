"""Patient questions: a caller who is silent or presses a wrong key is asked up to three times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from ivr.flows.session import Line, Session

TRIES = 3


class Ending(Enum):
    """The end of a question."""

    ANSWERED = auto()
    SILENT = auto()
    """No key was pressed, and the question was not to be repeated."""
    GAVE_UP = auto()
    """Three attempts failed, and the caller was notified: the call is to be ended."""


@dataclass(frozen=True)
class Reply:
    """The reply to a question; `keys` is empty unless it was answered."""

    ending: Ending
    keys: str = ""


async def ask(
    session: Session,
    question: Line,
    *,
    before: Sequence[Line] = (),
    after: Sequence[Line] = (),
    played: Sequence[str] = (),
    max_digits: int = 20,
    terminator: str = "#",
    accepts: Callable[[str], bool] = bool,
    first_digit_seconds: float = 6.0,
    leave_on_silence: bool = False,
) -> Reply:
    """Ask until a reply is accepted, at most three times for silence and three times for wrong keys.

    `played` (paths of sounds) and `before` precede the first question; `after` follows each. A key cuts all of them
    short. The terminator alone is silence. Keys pressed ahead of a wrong one are dropped: they were meant for another
    question.
    """
    silent = wrong = 0
    while True:
        digits = await session.call.ask(
            *played,
            *await session.sounds(*before, question, *after),
            max_digits=max_digits,
            terminator=terminator,
            first_digit_seconds=first_digit_seconds,
        )
        played = ()
        if not digits.keys:
            if leave_on_silence:
                return Reply(Ending.SILENT)
            silent += 1
            before = [Line("nothing-heard")]
        elif accepts(digits.keys):
            return Reply(Ending.ANSWERED, digits.keys)
        else:
            wrong += 1
            before = [Line("wrong-key")]
            session.call.forget_keys()
        if max(silent, wrong) == TRIES:
            await session.say("too-many-wrong-keys" if wrong == TRIES else "nothing-heard-goodbye")
            return Reply(Ending.GAVE_UP)
