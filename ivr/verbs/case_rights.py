"""The verb `case-rights`."""

from typing import ClassVar, Literal

from feedback.citizens.data_requests import RequestRefused
from feedback.states import DataRight
from ivr.flows.dialogue import Ending, ask
from ivr.flows.node import Node
from ivr.flows.session import Line, Session
from ivr.prompts.spoken_time import spoken_moment
from ivr.verbs.menu import KEYS

NO_KEY = "7"
"""Withdraws the consents, or objects where there are none."""
RIGHTS = {NO_KEY: DataRight.WITHDRAWAL, "8": DataRight.ERASURE, "9": DataRight.ACCESS}
FIRST_KEY_SECONDS = 4.0
CONFIRMED = "1"


class CaseRights(Node):
    """Offers callers what the data law gives them in the case that they just asked about, if it came from their phone.

    7 withdraws the consents, or objects to the use of the case if there are none; 8 asks for the erasure of message
    and recording, after a confirmation; 9 asks for a copy.
    Any other key and silence leave: a key that is an exit is taken as one. Callers with a withheld number, and those
    who key in another citizen's case, hear nothing of it.

    {"id": "rights", "verb": "case-rights", "exits": {"done": "main-menu", "1": "commune"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    optional_exits: ClassVar[frozenset[str]] = KEYS - RIGHTS.keys()
    for_citizens: ClassVar[bool] = True
    sentences: ClassVar[tuple[str, ...]] = (
        *(f"case-right-{kind}" for kind in DataRight),
        *(f"case-asked-{kind}" for kind in DataRight),
        "case-asked-before",
        "case-erasure-confirm",
        "case-not-erased",
        "case-nothing-left",
    )

    verb: Literal["case-rights"]

    async def run(self, session: Session) -> str | None:
        """Offer the rights once."""
        number = session.case_number
        given = await session.require_citizens().rights.consents(number) if number else None
        if given is None:
            return "done"
        offered = RIGHTS if given else {**RIGHTS, NO_KEY: DataRight.OBJECTION}
        first, *others = [Line(f"case-right-{kind}") for kind in offered.values()]
        reply = await ask(
            session,
            first,
            after=others,
            max_digits=1,
            terminator="",
            first_digit_seconds=FIRST_KEY_SECONDS,
            leave_on_silence=True,
        )
        if reply.ending is not Ending.ANSWERED or reply.keys not in offered:
            return reply.keys if reply.keys in self.exits else "done"
        kind = offered[reply.keys]
        if kind is DataRight.ERASURE and not await _confirmed(session):
            await session.say("case-not-erased")
            return "done"
        await _ask_for(session, kind)
        return "done"


async def _confirmed(session: Session) -> bool:
    """Say what is erased and what stays, and return whether the caller confirms it by key."""
    reply = await ask(
        session, Line("case-erasure-confirm"), max_digits=1, terminator="", leave_on_silence=True
    )  # fmt: skip
    return reply.keys == CONFIRMED


async def _ask_for(session: Session, kind: DataRight) -> None:
    try:
        asked = await session.require_citizens().rights.ask(session.case_number, kind)
    except RequestRefused:
        asked = None
    if asked is None:
        await session.say("case-nothing-left")
        return
    when = spoken_moment(asked.due_at, session.language)
    await session.say(f"case-asked-{kind}" if asked.is_new else "case-asked-before", when=when)
