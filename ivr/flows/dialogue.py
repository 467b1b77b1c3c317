"""Asking patiently: a caller who says nothing or presses a wrong key is asked again, three times in all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from ivr.flows.session import Line, Session

TRIES = 3


class Ending(Enum):
    """How a question ended."""

    ANSWERED = auto()
    SILENT = auto()
    """Nothing was keyed in, and the one who asked wanted to know at once."""
    GAVE_UP = auto()
    """Three tries came to nothing, and the caller was told so: the call is to be ended."""


@dataclass(frozen=True)
class Reply:
    """What came of a question; `keys` is empty unless it was answered."""

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

    `before` is said ahead of the question, the first time, and before that `played`, paths of sounds, is heard; `after`
    follows the question each time. Like the question they are cut short by a key. Pressing the terminator alone is
    silence. Keys pressed ahead of a wrong one are dropped: they were meant for another
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
