"""Answers on air: one programme each, submitted, without a trace of the citizen."""

import asyncio
import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.programmes import approval
from broadcast_bridge.programmes.approval import OwnWork
from broadcast_bridge.programmes.models import Programme
from feedback.answers import replies
from feedback.answers.answers_on_air import AnswersOnAir, ForTheAir, NamesTheCitizen
from feedback.answers.off_air import AnswersOffAir
from feedback.answers.replies import Answer, AnswerRefused
from feedback.cases.case_lifecycle import Said, say
from feedback.citizens import consents
from feedback.citizens.consents import NoConsent
from feedback.citizens.registry import open_citizens
from feedback.models import Reply
from feedback.states import Channel, Direction, Purpose, Way
from haichieu import jobs
from haichieu.alarms import open_alarms
from haichieu.audio.sound import write_wav
from haichieu.audio.tones import attention_chime
from haichieu.database import Database, now
from haichieu.jobs import MOST_ATTEMPTS, Job
from haichieu.locale import render
from haichieu.media import DiskFull, MediaStore
from haichieu.processes.answers import AnswerProgrammes
from haichieu.speech.pronunciations import teach
from haichieu.speech.synthesis import EspeakSynthesiser
from tests.builders.cases import agreed, case, office
from tests.builders.sounds import kept
from tests.builders.spoken import note_what_is_spoken
from tests.feedback.answers.on_air_answers import aired_at

NUMBER = "+84912345678"
BY = "account:truc@example.vn"


class Air:
    """What these tests do and look at."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.store = MediaStore(folder / "media", 1)
        self.book = open_citizens(folder / "home")
        self.programmes = AnswerProgrammes(database, self.store, EspeakSynthesiser())
        self.folder = folder

    def answered(
        self, text: str = "Cầu đã sửa xong.", *, spoken: bool = False, anonymous: bool = False, voice: bool = False
    ) -> None:
        with self.database.session() as session:
            there = office(session)
            citizen = None if anonymous else self.book.meet(session, NUMBER, now())
            opened = case(session, there, citizen=citizen)
            opened.category = there.roads
            agreed(session, opened)
            sound = None
            if spoken:
                write_wav(self.folder / "said.wav", attention_chime(8000))
                sound, text = kept(session, self.store, self.folder / "said.wav"), ""
            if voice:
                write_wav(self.folder / "voice.wav", attention_chime(8000))
                media = kept(session, self.store, self.folder / "voice.wav")
                say(session, opened, Said(Direction.IN, Channel.CALL, "citizen", sound=media), now())
                agreed(session, opened, Purpose.VOICE_ON_AIR)
            replies.answer(session, opened, Answer(BY, [Way.AIR], text, sound, with_voice=voice), now())

    def withdraw(self) -> None:
        with self.database.session() as session:
            consents.withdraw(session, self.reply(session).message.case, "citizen", now())

    def off_air(self) -> bool:
        return bool(asyncio.run(AnswersOffAir(self.database, self.programmes).step()))

    def carry_out(self, programmes: AnswerProgrammes | None = None) -> bool:
        answers = AnswersOnAir(self.database, self.store, self.book, programmes or self.programmes)
        return bool(asyncio.run(answers.step()))

    def reply(self, session: Session) -> Reply:
        return session.scalars(sa.select(Reply)).one()


@pytest.fixture
def air(database: Database, tmp_path: Path) -> Air:
    return Air(database, tmp_path)


@pytest.mark.parametrize(("spoken", "origin"), [(False, "text"), (True, "phone")])
def test_answer_becomes_a_programme_that_another_user_approves(air: Air, spoken: bool, origin: str) -> None:
    air.answered(spoken=spoken, anonymous=spoken)
    assert air.carry_out()
    assert not air.carry_out()
    with air.database.session() as session:
        programme = session.scalars(sa.select(Programme)).one()
        reply = air.reply(session)
        assert (reply.state, reply.programme_id) == ("filed", programme.id)
        assert (programme.state, programme.origin, programme.author) == ("submitted", origin, BY)
        assert programme.unit_id == reply.message.case.unit_id
        assert programme.title.startswith("Trả lời về Hạ tầng, điện, nước, ngày ")
        assert programme.author_name == "Trực ban"
        assert programme.sound is not None
        with pytest.raises(OwnWork):
            approval.approve(session, programme, BY, now())
        assert aired_at(session, reply) is None


def test_answer_on_air_is_said_by_the_dictionary(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = note_what_is_spoken(monkeypatch)
    air.answered("Đường lên Phja Oắc đã sửa.")
    with air.database.session() as session:
        teach(session, "Phja Oắc", "phia oắc")
    assert air.carry_out()
    assert spoken == ["đường lên phia oắc đã sửa."]


def test_nothing_of_the_programme_tells_whose_case_it_was(air: Air) -> None:
    air.answered()
    air.carry_out()
    with air.database.session() as session:
        number = air.reply(session).message.case.number
        columns = session.execute(sa.select(Programme.__table__)).mappings().one()
        written = " ".join(str(value) for value in columns.values())
    assert [mark for mark in (NUMBER[-9:], number, "citizen") if mark in written] == []


@pytest.mark.parametrize("text", ["Gọi 0912345678", "Gọi +84 912 345 678 nhé", "số 0912.345.678"])
def test_a_text_with_the_citizens_number_in_it_is_not_aired(air: Air, text: str) -> None:
    air.answered(text)
    assert air.carry_out()
    with air.database.session() as session:
        assert air.reply(session).state == "failed"
        assert air.reply(session).reason == NamesTheCitizen().message
        assert air.reply(session).message.case.history[-1].after_message == NamesTheCitizen().message
        assert session.scalars(sa.select(Programme)).all() == []
        (alarm,) = open_alarms(session)
        assert NUMBER[-9:] not in render(alarm.text, "en")


class Power(AnswerProgrammes):
    """Fails at a step, as a power cut or a full disk would."""

    problem: BaseException = KeyboardInterrupt()

    def make(self, answer: ForTheAir, made: Callable[[Session, int], None]) -> None:
        def cut(session: Session, programme_id: int) -> None:
            made(session, programme_id)
            raise self.problem

        super().make(answer, cut)


def test_a_worker_that_dies_leaves_no_programme_and_another_makes_it(air: Air) -> None:
    air.answered()
    with pytest.raises(KeyboardInterrupt):
        air.carry_out(Power(air.database, air.store, EspeakSynthesiser()))
    with air.database.session() as session:
        assert session.scalars(sa.select(Programme)).all() == []
        assert air.reply(session).state == "under_way"
        session.execute(sa.update(Job).where(Job.kind == "answer-air").values(leased_until=now()))
    assert air.carry_out()
    with air.database.session() as session:
        assert len(session.scalars(sa.select(Programme)).all()) == 1


def test_a_full_disk_puts_it_off(air: Air) -> None:
    air.answered()
    full = Power(air.database, air.store, EspeakSynthesiser())
    full.problem = DiskFull("base.disk_full", free=1, needed=200, folder="media")
    assert air.carry_out(full)
    with air.database.session() as session:
        reply = air.reply(session)
        assert reply.reason is not None
        assert (reply.state, reply.reason.key) == ("waiting", "base.disk_full")
        job = session.scalars(sa.select(Job).where(Job.kind == "answer-air")).one()
        assert (job.state, job.attempts) == ("waiting", 0)


def test_an_answer_that_cannot_be_spoken_fails_with_the_reason(air: Air) -> None:
    air.answered("…")
    assert air.carry_out()
    with air.database.session() as session:
        assert air.reply(session).state == "failed"
        assert air.reply(session).reason


@pytest.mark.proof
def test_an_answer_that_kills_its_workers_is_given_up_with_an_alarm(air: Air) -> None:
    air.answered()
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            air.carry_out(Power(air.database, air.store, EspeakSynthesiser()))
        with air.database.session() as session:
            session.execute(sa.update(Job).where(Job.kind == "answer-air").values(leased_until=now()))
    assert not air.carry_out()
    with air.database.session() as session:
        assert air.reply(session).state == "failed"
        assert [alarm.kind for alarm in open_alarms(session)] == ["answer_failed"]


def test_an_answer_that_was_never_begun_is_given_up_with_an_alarm(air: Air) -> None:
    air.answered()
    for _ in range(MOST_ATTEMPTS):
        with air.database.session() as session:
            (held,) = jobs.claim(session, ["answer-air"], now(), datetime.timedelta(minutes=1))
            jobs.put_off(session, held, now(), None)
    assert not air.carry_out()
    with air.database.session() as session:
        assert air.reply(session).state == "failed"
        assert [alarm.kind for alarm in open_alarms(session)] == ["answer_failed"]


def test_answer_after_a_withdrawal_is_refused_and_nothing_is_written(air: Air) -> None:
    with air.database.session() as session:
        opened = case(session, office(session), citizen=air.book.meet(session, NUMBER, now()))
        agreed(session, opened)
        consents.withdraw(session, opened, "citizen", now())
        with pytest.raises(AnswerRefused, match="withdrawn"):
            replies.answer(session, opened, Answer(BY, [Way.AIR], "Xong"), now())
        agreed(session, opened)
        with pytest.raises(AnswerRefused, match="their voice"):
            replies.answer(session, opened, Answer(BY, [Way.AIR], "Xong", with_voice=True), now())
        assert session.scalars(sa.select(Reply)).all() == []


def test_consent_withdrawn_before_the_programme_is_made_stops_it(air: Air) -> None:
    air.answered()
    air.withdraw()
    assert air.carry_out()
    with air.database.session() as session:
        assert air.reply(session).state == "failed"
        assert air.reply(session).reason == NoConsent(Purpose.ANSWER_ON_AIR).message
        assert session.scalars(sa.select(Programme)).all() == []


def test_consent_withdrawn_while_the_sound_is_made_stops_it(air: Air) -> None:
    air.answered()

    class Slow(AnswerProgrammes):
        def make(self, answer: ForTheAir, made: Callable[[Session, int], None]) -> None:
            air.withdraw()
            super().make(answer, made)

    air.carry_out(Slow(air.database, air.store, EspeakSynthesiser()))
    with air.database.session() as session:
        assert air.reply(session).state == "failed"
        assert session.scalars(sa.select(Programme)).all() == []


def test_withdrawn_consent_withdraws_the_programme_once(air: Air) -> None:
    air.answered()
    air.carry_out()
    with air.database.session() as session:
        approval.approve(session, session.scalars(sa.select(Programme)).one(), "account:b", now())
    air.withdraw()
    assert air.off_air()
    assert not air.off_air()
    with air.database.session() as session:
        assert session.scalars(sa.select(Programme.state)).one() == "withdrawn"


def test_citizens_voice_comes_before_the_answer(air: Air) -> None:
    air.answered(voice=True)
    voice = attention_chime(8000).seconds
    assert air.carry_out()
    with air.database.session() as session:
        programme = session.scalars(sa.select(Programme)).one()
        assert programme.sound is not None
        assert programme.seconds is not None
        assert programme.seconds > voice + 1.0
        assert programme.sound.synthetic, "the mark of the synthetic answer is on the whole"
