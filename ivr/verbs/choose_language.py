"""The verb `choose-language`."""

import asyncio
from typing import ClassVar, Literal

from ivr.flows.dialogue import TRIES
from ivr.flows.node import Node
from ivr.flows.session import Session


class ChooseLanguage(Node):
    """Asks for the language when there is a choice; each language names itself.

    There is none on a number with its own language, nor where only one language has recorded prompts. A caller who
    presses nothing gets the language of the last call, else the station's.

    {"id": "language", "verb": "choose-language", "exits": {"next": "main-menu"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"next"})
    for_citizens: ClassVar[bool] = True
    sentences: ClassVar[tuple[str, ...]] = ("language-name", "language-key")

    verb: Literal["choose-language"]

    async def run(self, session: Session) -> str | None:
        desk = session.require_citizens()
        languages = list(await desk.languages())[:9]
        if len(languages) < 2:
            return "next"
        keys = {str(number): language for number, language in enumerate(languages, 1)}
        offer: list[str] = []
        for key, language in keys.items():
            offer.append(await asyncio.to_thread(session.prompts.sound, "language-name", language))
            offer.append(await asyncio.to_thread(session.prompts.sound, "language-key", language, {"key": key}))
        earlier = await desk.earlier_language()
        chosen = earlier if earlier in languages else session.language
        for _ in range(TRIES):
            digits = await session.call.ask(*offer, max_digits=1, terminator="")
            if not digits.keys:
                break
            if digits.keys in keys:
                chosen = keys[digits.keys]
                desk.speaks(chosen)
                break
            session.call.forget_keys()
        session.language = chosen
        return "next"
