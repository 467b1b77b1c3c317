"""The verb `menu`."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from haichieu.errors import InvalidValue
from ivr.flows.dialogue import Ending, ask
from ivr.flows.node import TIMEOUT, Name, Node
from ivr.flows.session import Line, Session

KEYS = frozenset("0123456789*#")


class Menu(Node):
    """Offers a choice by one key; its exits are named by the keys.

    Without the exit `timeout`, a silent caller is asked again and disconnected after the third time, as is a caller who
    presses three wrong keys.

    With `announces_bulletins`, an official hears first how many bulletins of the province wait, if any do.

    {"id": "main-menu", "verb": "menu", "prompt": "official-menu", "seconds": 6,
     "exits": {"1": "choose-zone", "3": "report", "*": "main-menu"}}
    """

    optional_exits: ClassVar[frozenset[str]] = KEYS | {TIMEOUT}
    waits_for_caller: ClassVar[bool] = True
    sentences: ClassVar[tuple[str, ...]] = ("bulletins-waiting",)

    verb: Literal["menu"]
    prompt: Name
    seconds: float = Field(6.0, gt=0, le=60)
    announces_bulletins: bool = False

    @model_validator(mode="after")
    def _offers_something(self) -> Self:
        if not KEYS & self.exits.keys():
            raise InvalidValue("flow.menu_without_keys")
        return self

    def prompts(self) -> tuple[str, ...]:
        return (self.prompt,)

    async def run(self, session: Session) -> str | None:
        reply = await ask(
            session,
            Line(self.prompt),
            before=await self._announced(session),
            max_digits=1,
            terminator="",
            accepts=lambda key: key in self.exits,
            first_digit_seconds=self.seconds,
            leave_on_silence=TIMEOUT in self.exits,
        )
        if reply.ending is Ending.SILENT:
            return TIMEOUT
        return reply.keys if reply.ending is Ending.ANSWERED else None

    async def _announced(self, session: Session) -> list[Line]:
        if not self.announces_bulletins or session.official is None:
            return []
        count = await session.desk.province.count(session.official.id)
        return [Line("bulletins-waiting", {"bulletins": count})] if count else []
