"""The verb `listen`."""

from typing import ClassVar, Literal

from ivr.desks.protocols import BulletinSeen
from ivr.flows.node import Node
from ivr.flows.session import Line, Session

AGAIN, NEXT, ELSEWHERE, ENOUGH = "1", "2", "3", "0"


class Listen(Node):
    """Plays the latest bulletins of the caller's commune, newest first, one at a time.

    While a bulletin plays, 1 restarts it, 2 skips it, 3 asks for another commune and 0 goes back. `heard` is taken
    after one that was played to its end, so that a question can follow; coming back plays the next one. `done` is taken
    after the last.

    {"id": "bulletins", "verb": "listen", "exits": {"heard": "survey", "done": "main-menu", "elsewhere": "other"}}
    """

    required_exits: ClassVar[frozenset[str]] = frozenset({"heard", "done", "elsewhere"})
    for_citizens: ClassVar[bool] = True
    waits_for_caller: ClassVar[bool] = True  # without the caller it ends after the last bulletin
    needs: ClassVar[frozenset[str]] = frozenset({"unit"})
    sentences: ClassVar[tuple[str, ...]] = ("no-bulletins", "bulletin-keys", "bulletin-title", "no-more-bulletins")

    verb: Literal["listen"]

    def gives(self, exit_name: str) -> frozenset[str]:
        return frozenset({"bulletin"} if exit_name == "heard" else ())

    async def run(self, session: Session) -> str | None:
        """Play until one was heard, or the caller leaves the list."""
        bulletins = await session.require_citizens().bulletins(session.require_commune())
        if not bulletins:
            await session.say("no-bulletins")
            return "done"
        before = [] if session.heard else [Line("bulletin-keys")]
        for bulletin in bulletins:
            if bulletin.id in session.heard:
                continue
            session.heard.add(bulletin.id)
            match await self._play(session, bulletin, before):
                case "":
                    session.bulletin = bulletin
                    return "heard"
                case key if key != NEXT:
                    session.heard.clear()
                    return "elsewhere" if key == ELSEWHERE else "done"
            before = []
        session.heard.clear()
        await session.say("no-more-bulletins")
        return "done"

    async def _play(self, session: Session, bulletin: BulletinSeen, before: list[Line]) -> str:
        """Play a bulletin as often as wanted; return the key that ended it, empty at its end."""
        while True:
            title = await session.sounds(*before, Line("bulletin-title", {"title": bulletin.title}))
            keys = (
                await session.call.ask(*title, bulletin.sound, max_digits=1, terminator="", first_digit_seconds=0.5)
            ).keys
            if keys in ("", NEXT, ELSEWHERE, ENOUGH):
                return keys
            before = []
