"""The verb `ask-consent`."""

from typing import ClassVar, Literal

from feedback.states import Purpose
from haichieu.media import DiskFull
from ivr.flows.dialogue import Ending, ask
from ivr.flows.node import Node
from ivr.flows.session import Line, Session
from ivr.verbs.menu import KEYS

PURPOSES = {"5": Purpose.ANSWER_ON_AIR, "6": Purpose.VOICE_ON_AIR}
FIRST_KEY_SECONDS = 4.0
MAX_SECONDS = 15
SILENCE_SECONDS = 3


class AskConsent(Node):
    """Asks after a message whether its answer, and the caller's voice, may be broadcast; "I agree" is recorded.

    5 agrees to the answer, 6 to the voice; each is recorded by itself. Any other key and silence are no consent: a key
    that is an exit is taken as one, so that a caller can press ahead. Anonymous callers are not asked: they could not
    withdraw it.

    {"id": "consent", "verb": "ask-consent", "exits": {"done": "main-menu", "3": "status"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"done"})
    optional_exits: ClassVar[frozenset[str]] = KEYS - PURPOSES.keys()
    for_citizens: ClassVar[bool] = True
    sentences: ClassVar[tuple[str, ...]] = (
        *(f"consent-{purpose}" for purpose in Purpose),
        "consent-none",
        *(f"consent-say-{purpose}" for purpose in Purpose),
        "consent-kept",
        "consent-not-heard",
        "message-disk-full",
    )

    verb: Literal["ask-consent"]

    async def run(self, session: Session) -> str | None:
        """Ask until every purpose is recorded or the caller moves on."""
        number, rights = session.case_number, session.require_citizens().rights
        given = await rights.consents(number) if number else None
        if given is None:
            return "done"
        asked = {key: purpose for key, purpose in PURPOSES.items() if purpose not in given}
        while asked:
            first, *others = [Line(f"consent-{purpose}") for purpose in asked.values()]
            reply = await ask(
                session,
                first,
                after=[*others, Line("consent-none")],
                max_digits=1,
                terminator="",
                first_digit_seconds=FIRST_KEY_SECONDS,
                leave_on_silence=True,
            )
            if reply.ending is not Ending.ANSWERED or reply.keys not in asked:
                return reply.keys if reply.keys in self.exits else "done"
            await _record(session, asked.pop(reply.keys))
        return "done"


async def _record(session: Session, purpose: Purpose) -> None:
    """Record one consent; what the caller says before hanging up counts."""
    rights = session.require_citizens().rights
    try:
        name = await rights.begin_consent(session.case_number, purpose)
    except DiskFull:
        await session.say("message-disk-full")
        return
    if name is None:
        return
    try:
        await session.say(f"consent-say-{purpose}")
        recorded = await session.call.record(name, max_seconds=MAX_SECONDS, silence_seconds=SILENCE_SECONDS)
        kept = recorded and await rights.keep_consent(name)
    finally:
        rights.release_consent(name)
    await session.say("consent-kept" if kept else "consent-not-heard")
