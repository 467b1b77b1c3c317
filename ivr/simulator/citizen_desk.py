"""Simulated desk for citizens, in memory."""

import datetime
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from feedback.cases.case_lifecycle import NoSuchCase
from feedback.cases.case_numbers import read_case_number
from feedback.citizens.data_requests import RequestRefused
from feedback.intake.voice_messages import NothingSaid
from feedback.states import DataRight, Purpose
from haichieu.errors import HaiChieuError
from ivr.desks.protocols import BulletinSeen, CaseSeen, CategorySeen, CommuneSeen, DutyDesk, RequestSeen
from ivr.simulator.repair_desks import SimulatedFaults


@dataclass
class SimulatedRights:
    """The rights of a caller whose own cases are `own`."""

    own: frozenset[str] = frozenset({"12345674"})
    given: set[Purpose] = field(default_factory=set)
    says_nothing: bool = False
    refusal: RequestRefused | None = None
    """Raised by `ask`."""
    asked: list[DataRight] = field(default_factory=list)

    async def consents(self, case_number: str) -> frozenset[Purpose] | None:
        return frozenset(self.given) if case_number in self.own else None

    async def begin_consent(self, case_number: str, purpose: Purpose) -> str | None:
        return str(purpose) if case_number in self.own else None

    async def keep_consent(self, name: str) -> bool:
        if not self.says_nothing:
            self.given.add(Purpose(name))
        return not self.says_nothing

    def release_consent(self, name: str) -> None:
        pass

    async def ask(self, case_number: str, kind: DataRight) -> RequestSeen | None:
        if self.refusal is not None:
            raise self.refusal
        if case_number not in self.own:
            return None
        self.asked.append(kind)
        return RequestSeen(self.asked.count(kind) == 1, datetime.datetime(2026, 12, 14, 17))


@dataclass
class SimulatedCitizenDesk:
    """The desk of a station with the given communes, bulletins, categories and cases."""

    offered: Sequence[str] = ("vi",)
    language_before: str = ""
    known_commune: CommuneSeen | None = None
    units: Sequence[CommuneSeen] = (
        CommuneSeen(1, "Tỉnh Cao Bằng"),
        CommuneSeen(2, "Cô Ba"),
        CommuneSeen(3, "Cốc Pàng"),
    )
    news: Sequence[BulletinSeen] = ()
    topics: Sequence[CategorySeen] = (CategorySeen(1, "1", "Hạ tầng, điện, nước"), CategorySeen(2, "2", "Chính sách"))
    cases: Mapping[str, CaseSeen] = field(default_factory=dict)
    refusal: HaiChieuError | None = None
    """Raised by `begin_message`."""
    silences: int = 0
    """The number of silent recordings still to come."""
    rights: SimulatedRights = field(default_factory=SimulatedRights)
    desk_open: bool = True
    desk_does: DutyDesk = DutyDesk.TALKED
    number: str = "12345674"
    """The number of the next case."""
    chosen_language: str = ""
    begun: list[tuple[CategorySeen | None, str]] = field(default_factory=list)
    kept: list[bool] = field(default_factory=list)
    """For each kept message, whether it was anonymous."""
    forgotten: int = 0
    discarded: int = 0
    let_go: int = 0
    votes: list[tuple[int, str, bool]] = field(default_factory=list)
    faults: SimulatedFaults = field(default_factory=SimulatedFaults)

    async def languages(self) -> Sequence[str]:
        return self.offered

    async def earlier_language(self) -> str:
        return self.language_before

    def speaks(self, language: str) -> None:
        self.chosen_language = language

    async def commune(self) -> CommuneSeen | None:
        return self.known_commune

    async def communes(self) -> Sequence[CommuneSeen]:
        return self.units

    def lives_in(self, commune: CommuneSeen) -> None:
        self.known_commune = commune

    async def bulletins(self, commune: CommuneSeen) -> Sequence[BulletinSeen]:
        return self.news

    async def vote(self, bulletin: BulletinSeen, commune: CommuneSeen, *, useful: bool) -> None:
        self.votes.append((bulletin.id, commune.name, useful))

    async def categories(self) -> Sequence[CategorySeen]:
        return self.topics

    async def begin_message(self, category: CategorySeen | None, language: str) -> str:
        if self.refusal is not None:
            raise self.refusal
        self.begun.append((category, language))
        return "message"

    def recorded_meanwhile(self, name: str, max_seconds: int) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def message_sound(self, name: str) -> str:
        return "▶"

    async def has_speech(self, name: str) -> bool:
        """False for the first `silences` calls."""
        self.silences -= 1
        return self.silences < 0

    async def keep_message(self, name: str, *, anonymous: bool) -> str:
        if not self.begun:
            raise NothingSaid(name)
        self.kept.append(anonymous)
        return self.number

    def forget_sound(self, name: str) -> None:
        self.forgotten += 1

    async def discard_message(self, name: str) -> None:
        self.discarded += 1

    def release_message(self, name: str) -> None:
        self.let_go += 1

    async def case(self, number: str) -> CaseSeen:
        read = read_case_number(number)
        if read not in self.cases:
            raise NoSuchCase(read)
        return self.cases[read]

    async def duty_desk_is_open(self) -> bool:
        return self.desk_open

    async def ring_duty_desk(self) -> DutyDesk:
        return self.desk_does
