"""A switchboard killed during an answer call: the citizen is called again until the answer was heard once.

Until `heard` is stored the answer counts as not heard: a citizen who listened to its last word when the switchboard
died is called once more (at least once). Once it is stored nobody is called for it again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from feedback.answers import answer_calls, replies
from feedback.answers.replies import Answer
from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.citizens.registry import open_citizens
from feedback.models import Case, CaseChange, Message, Reply
from feedback.states import Channel, Direction, Way
from haichieu.audio.sound import Sound, read_wav, write_wav
from haichieu.database import now
from haichieu.demo.audio_matching import match
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from haichieu.jobs import Job
from haichieu.media import MediaStore
from haichieu.people import Unit
from tests.builders.sounds import kept
from tests.crashes.pausing import locked_database
from tests.crashes.processes import child_of, kill
from tests.station.scene import LISTEN_AGAIN, SAME, Scene

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.calls,
    pytest.mark.proof,
    pytest.mark.xdist_group("breakable"),
]

CITIZEN = "+84987654321"
A_HAIR = 0.1
IN_TIME_SECONDS = 0.5
"""After this the switchboard wants to store the state, and waits for the locked database."""


@dataclass
class Told:
    """A citizen who is owed one answer, and their telephone."""

    scene: Scene
    case_id: int
    citizen: SoftPhone
    words: Sound
    """The answer, as it is played."""
    hears_into: Path = Path()
    _calls: int = 0

    async def picks_up(self) -> None:
        """Be rung, and hear from now on what this call brings."""
        await self.citizen.incoming(60)
        self._calls += 1
        self.hears_into = self.scene.folder / f"case-{self.case_id}-call-{self._calls}.wav"
        await self.citizen.record(self.hears_into)
        await self.citizen.answer()

    async def hears_answer(self, share: float = 1.0) -> None:
        """Wait until as much of the answer has arrived."""
        part = Sound(self.words.samples[: int(share * len(self.words.samples))], self.words.rate)

        def arrived() -> bool:
            heard = read_wav(self.hears_into)
            found = match(part, heard)
            return found.correlation > SAME and heard.seconds > found.delay_seconds + part.seconds - A_HAIR

        await until(arrived, "the answer", 30, LISTEN_AGAIN)

    def reply(self) -> Reply:
        """The one reply."""
        with self.scene.station.database.session() as session:
            return session.scalars(sa.select(Reply).join(Message).where(Message.case_id == self.case_id)).one()

    def settled(self) -> tuple[str, int, str, int, int]:
        """Reply's state and attempts, the case's status, how many answers it holds and how often it was `heard`."""
        reply = self.reply()
        with self.scene.station.database.session() as session:
            case = session.get_one(Case, self.case_id)
            answers = [message for message in case.messages if message.direction == Direction.OUT]
            heard = sa.select(sa.func.count()).where(
                CaseChange.case_id == self.case_id, CaseChange.what == "answer_heard"
            )
            return reply.state, reply.attempts, case.status, len(answers), session.scalars(heard).one()


def joined(*sounds: Sound) -> Sound:
    """Return sounds of one rate as one."""
    return Sound(np.concatenate([one.samples for one in sounds]), sounds[0].rate)


async def owed(scene: Scene) -> Told:
    """Give an answer by call to a citizen who has a phone of the station."""
    citizen = await scene.phone("may-la")
    words = joined(*(read_wav(scene.speeches[name]) for name in ("demo-instruct", "demo-congrats")))
    write_wav(scene.folder / "answer.wav", words)
    with scene.station.database.session() as session:
        unit = session.scalars(sa.select(Unit.id).where(Unit.code == "CB")).one()
        person = open_citizens(scene.station.settings.home).meet(session, CITIZEN, now())
        said = Said(Direction.IN, Channel.TEXT, "citizen", "Mương bị vỡ")
        case = open_case(session, Opening(Channel.TEXT, unit, "number", person), said, now())
        sound = kept(session, MediaStore(scene.station.settings.home / "media", 1), scene.folder / "answer.wav")
        replies.answer(session, case, Answer("account:x", [Way.CALL], sound=sound), now())
        return Told(scene, case.id, citizen, words)


def the_lease_has_run_out(told: Told) -> None:
    """Let the time pass for which nobody rings again: it is longer than a minute."""
    reply = told.reply()
    with told.scene.station.database.session() as session:
        job = session.scalars(sa.select(Job).where(Job.kind == "answer-call", Job.subject_id == reply.id)).one()
        assert (reply.state, job.state) == ("under_way", "running")
        assert job.leased_until is not None
        assert (job.leased_until - reply.changed_at).total_seconds() >= 60
        job.leased_until = now()


Moment = Callable[[Told, ExitStack], Awaitable[None]]


async def in_the_greeting(told: Told, _: ExitStack) -> None:
    await told.scene.hears(told.citizen, "answer-greeting")


async def in_the_answer(told: Told, _: ExitStack) -> None:
    await told.citizen.digits("1")
    await told.hears_answer(0.5)


async def after_the_last_word(told: Told, until_it_is_killed: ExitStack) -> None:
    """All of it has arrived, and the switchboard waits to store that."""
    await in_the_answer(told, until_it_is_killed)
    until_it_is_killed.enter_context(locked_database(told.scene.station.database))
    await told.hears_answer()
    await asyncio.sleep(IN_TIME_SECONDS)


async def after_the_key(told: Told, until_it_is_killed: ExitStack) -> None:
    """The citizen has ended the answer by key, and the switchboard waits to store that."""
    await in_the_answer(told, until_it_is_killed)
    until_it_is_killed.enter_context(locked_database(told.scene.station.database))
    await told.citizen.digits("1")
    await asyncio.sleep(IN_TIME_SECONDS)


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param((in_the_answer,), id="before it was heard"),
        pytest.param((after_the_last_word,), id="before that was stored"),
        pytest.param((in_the_greeting, in_the_answer), id="twice before it was heard"),
        pytest.param((after_the_key, after_the_last_word), id="twice before that was stored"),
    ],
)
async def test_killed_switchboard_neither_loses_nor_doubles_an_answer(
    scene: Scene, moments: tuple[Moment, ...]
) -> None:
    told = await owed(scene)
    for tries, moment in enumerate(moments, 1):
        await told.picks_up()
        with ExitStack() as until_it_is_killed:
            await moment(told, until_it_is_killed)
            kill(child_of(scene.station, "switchboard"))
        await told.citizen.ended(30)
        assert told.settled() == ("under_way", tries, "answered", 1, 0)
        the_lease_has_run_out(told)
    await told.picks_up()
    await told.citizen.digits("1")
    await told.hears_answer()
    await until(lambda: told.reply().state == "heard", "heard at the last call", 20)
    await scene.hang_up(told.citizen)
    await scene.quiet()
    assert told.settled() == ("heard", len(moments) + 1, "answered", 1, 1)
    with scene.station.database.session() as session:
        assert answer_calls.next_due(session) is None
