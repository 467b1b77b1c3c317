"""Trial of a flow without a telephone: one call from its beginning with the keys pressed so far.

It stops where the next key is awaited. Desks and cases are simulated; nothing of the station is touched.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol

from haichieu.ari.errors import HungUp
from haichieu.ari.key_events import Digits
from ivr.desks.protocols import CategorySeen, CommuneSeen
from ivr.flows.definition import Flow
from ivr.flows.interpreter import FlowEnd, run_flow
from ivr.flows.session import OfficialSeen, Session, Values, ZoneSeen
from ivr.prompts.prompt_texts import UnknownPrompt, fill
from ivr.simulator.case_desks import SimulatedAnswers
from ivr.simulator.citizen_desk import SimulatedCitizenDesk
from ivr.simulator.simulator import SimulatedCall, SimulatedDesk

CODE, PIN, KNOWN, STRANGER = "1001", "2468", "+84912000001", "+84987654321"
MOST_KEYS = 200
LONGEST_KEYS = 40
ENTERED, PRESSED = "§ ", "⌨ "


class RecordedPrompts(Protocol):
    """The recorded prompts, as a trial needs them."""

    def text(self, key: str, language: str) -> str | None:
        """Return the text of a prompt, with the names of its values; None without one."""
        ...

    def recorded(self, key: str, language: str) -> bool:
        """Return whether the prompt is recorded in the language."""
        ...


class ShownPrompts:
    """Prompts as sentences; one that exists only as a recording is named."""

    def __init__(self, prompts: RecordedPrompts, fallback: str = "vi") -> None:
        self._prompts = prompts
        self._fallback = fallback

    def sound(self, key: str, language: str, variables: Values | None = None) -> str:
        """Return the sentence. Raises UnknownPrompt or MissingVariable."""
        for spoken in (language, self._fallback):
            if text := self._prompts.text(key, spoken):
                return fill(key, spoken, text, variables or {})
            if self._prompts.recorded(key, spoken):
                return f"♫ {key}"
        raise UnknownPrompt(key)


class PatientCall(SimulatedCall):
    """A caller who has pressed some keys and has not yet pressed the next one."""

    waits = False

    async def ask(
        self,
        *sounds: str,
        max_digits: int = 20,
        terminator: str = "#",
        first_digit_seconds: float = 6.0,
        next_digit_seconds: float = 4.0,
    ) -> Digits:
        """Take the next keys of the script, or stop here."""
        if not self._pressed and not self._script:
            self._step(*sounds)
            self.waits = self.over = True
            raise HungUp("ari.call_over")
        return await super().ask(
            *sounds, max_digits=max_digits, terminator=terminator, first_digit_seconds=first_digit_seconds
        )


@dataclasses.dataclass(frozen=True)
class Circumstances:
    """The circumstances of the call."""

    language: str = "vi"
    known_caller: bool = True
    called_back: bool = False
    zones: Mapping[str, ZoneSeen] = dataclasses.field(
        default_factory=lambda: {"11": ZoneSeen("11", "Cô Ba", reachable=11, total=12)}
    )
    communes: Sequence[CommuneSeen] = ()
    categories: Sequence[CategorySeen] = ()


@dataclasses.dataclass(frozen=True)
class Trial:
    """The result: lines as in `SimulatedCall.transcript`, with `§ step` where a step was entered."""

    lines: Sequence[str]
    waits: bool
    end: FlowEnd

    @property
    def here(self) -> str:
        """The current step."""
        return next((line.removeprefix(ENTERED) for line in reversed(self.lines) if line.startswith(ENTERED)), "")


async def try_out(
    flow: Flow, keys: Sequence[str], prompts: RecordedPrompts, about: Circumstances | None = None
) -> Trial:
    """Run the call with these keys, one text per question ("" for silence), and stop at the next question."""
    about = about or Circumstances()
    call = PatientCall(
        [each[:LONGEST_KEYS] for each in keys[:MOST_KEYS]], caller_number=KNOWN if about.known_caller else STRANGER
    )
    desk = SimulatedDesk(code=CODE, pin=PIN, phones=frozenset({KNOWN}), zones=about.zones)
    citizens = SimulatedCitizenDesk()
    if about.communes:
        citizens.units = about.communes
    if about.categories:
        citizens.topics = about.categories
    session = Session(call, ShownPrompts(prompts), desk, about.language, called_back=about.called_back)
    session.citizens = None if flow.is_for_officials else citizens
    session.answer_desk = SimulatedAnswers()
    if about.called_back:
        session.official = OfficialSeen(1, "Nông Văn Hải")
        session.zone = next(iter(about.zones.values()), None)
    end = await run_flow(flow, session, lambda step: call.transcript.append(f"{ENTERED}{step}"))
    return Trial(call.transcript, call.waits, end)
