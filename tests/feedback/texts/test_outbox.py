"""Answers by text on their way to Twilio: its real client against a stand-in that speaks its API."""

import asyncio
import datetime
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
import time_machine

from feedback import job_kinds
from feedback.answers import replies
from feedback.answers.replies import Answer
from feedback.citizens.registry import CitizenBook, open_citizens
from feedback.models import Case, Citizen, Reply
from feedback.states import Way
from feedback.texts import deliveries, outbox
from feedback.texts.dispatcher import TextDispatcher
from feedback.texts.outbox import Errand, HandedOver
from feedback.texts.twilio_line import NAME, TwilioAccount, TwilioLine
from feedback.texts.twilio_stand_in import TwilioStandIn
from haichieu import jobs
from haichieu.alarms import Alarm
from haichieu.database import Database, now
from haichieu.jobs import Job
from haichieu.locale import render
from haichieu.outgoing import Use
from tests.builders.cases import case, office
from tests.builders.outgoing import RULE

LAN = "+84912345678"
NOON = datetime.datetime(2026, 11, 24, 5, 0, tzinfo=datetime.UTC)  # 12:00 in Vietnam
NIGHT = datetime.datetime(2026, 11, 24, 16, 0, tzinfo=datetime.UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=True) as traveller:
        yield traveller


@pytest.fixture
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def book(tmp_path: Path) -> CitizenBook:
    return open_citizens(tmp_path)


@pytest.fixture
def dispatcher(
    database: Database, twilio: TwilioStandIn, book: CitizenBook, clock: time_machine.Traveller
) -> TextDispatcher:
    account = TwilioAccount(twilio.account_sid, twilio.token, twilio.number, twilio.base_url, "https://dai.example")
    return TextDispatcher(database, book, NAME, TwilioLine(account), lambda _, __: False, RULE)


def answer(database: Database, book: CitizenBook, text: str = "Đã sửa xong", number: str = LAN, by: str = "a") -> int:
    """Open a case and answer it by text; return the reply's id."""
    with database.session() as session:
        there = office(session)
        opened = case(session, there, citizen=book.meet(session, number, now()))
        if by == "system":
            replies.acknowledge(session, opened, text, now())
        else:
            replies.answer(session, opened, Answer(by, [Way.TEXT], text), now())
        return session.scalars(sa.select(Reply.id)).one()


def the_reply(database: Database) -> Reply:
    with database.session() as session:
        return session.scalars(sa.select(Reply)).one()


def reason(reply: Reply) -> str:
    assert reply.reason is not None
    return render(reply.reason, "en")


def the_job(database: Database, kind: str = job_kinds.SEND_TEXT) -> Job:
    with database.session() as session:
        return session.scalars(sa.select(Job).where(Job.kind == kind)).one()


async def test_an_answer_goes_out_with_its_segments_and_its_name(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook
) -> None:
    reply_id = answer(database, book, "Đã sửa xong cầu treo. " * 5)
    assert await dispatcher.step() == 1
    (text,) = twilio.texts
    assert (text.to, text.sender, text.body) == (LAN, twilio.number, ("Đã sửa xong cầu treo. " * 5).strip())
    assert text.callback == f"https://dai.example/webhooks/twilio/status?reply={reply_id}"
    reply = the_reply(database)
    assert (reply.state, reply.provider, reply.provider_id, reply.segments) == ("sent", "twilio", text.sid, 2)
    assert the_job(database).state == "done"
    assert await dispatcher.step() == 0


@pytest.mark.parametrize(
    ("number", "code", "state", "says"),
    [
        (LAN, 21211, "failed", "cannot receive texts"),
        (LAN, 20003, "failed", "does not accept the account"),
        (LAN, 20429, "waiting", "accepts no more"),
        (LAN, 20500, "under_way", "internal error"),
    ],
)
async def test_what_twilio_refuses_is_said_in_words_without_the_number(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook,
    number: str, code: int, state: str, says: str,
) -> None:  # fmt: skip
    answer(database, book, number=number)
    twilio.failing.append(code)
    await dispatcher.step()
    reply = the_reply(database)
    why = reason(reply)
    assert (reply.state, says in why, number in why, twilio.texts) == (state, True, False, [])
    with database.session() as session:
        assert len(session.scalars(sa.select(Alarm)).all()) == (code == 20003)


async def test_a_number_unsubscribed_at_twilio_gets_no_more_texts(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook
) -> None:
    twilio.unsubscribed.add(LAN)
    answer(database, book)
    await dispatcher.step()
    with database.session() as session:
        assert session.scalars(sa.select(Citizen)).one().opted_out_at is not None
    assert the_reply(database).state == "failed"


async def test_a_text_too_long_for_twilio_fails_before_it_is_sent(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook
) -> None:
    answer(database, book, "x" * 1601)
    await dispatcher.step()
    assert ("1,601" in reason(the_reply(database)), twilio.requests) == (True, 0)


async def test_a_text_of_unknown_status_is_looked_up_and_not_sent_twice(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook,
    clock: time_machine.Traveller,
) -> None:  # fmt: skip
    answer(database, book)
    twilio.silent = 1
    await dispatcher.step()
    reply = the_reply(database)
    assert (reply.state, "not known" in reason(reply), len(twilio.texts)) == ("under_way", True, 1)
    clock.shift(outbox.WAITS[0])
    assert await dispatcher.step() == 1
    reply = the_reply(database)
    assert (reply.state, reply.provider_id, len(twilio.texts)) == ("sent", twilio.texts[0].sid, 1)


@pytest.mark.parametrize("handed_over", [True, False])
async def test_what_a_killed_worker_left_under_way_is_neither_lost_nor_doubled(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook,
    clock: time_machine.Traveller, handed_over: bool,
) -> None:  # fmt: skip
    answer(database, book)
    with database.session() as session:
        (claim,) = jobs.claim(session, [job_kinds.SEND_TEXT], now(), outbox.LEASE)
        errand = outbox.begin(session, book, RULE, claim, NAME, now())
    assert errand is not None
    if handed_over:
        dispatcher._send(errand)  # and then it was killed
    assert await dispatcher.step() == 0
    clock.shift(outbox.LEASE)
    assert await dispatcher.step() == 1
    assert (the_reply(database).state, len(twilio.texts)) == ("sent", 1)


async def test_a_worker_that_is_stopped_finishes_the_text_it_is_sending(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    answer(database, book)
    sending, may_finish = threading.Event(), threading.Event()
    send = dispatcher._send

    def slow(errand: Errand) -> HandedOver:
        sending.set()
        may_finish.wait(10)
        return send(errand)

    monkeypatch.setattr(dispatcher, "_send", slow)
    with structlog.testing.capture_logs() as logs:
        step = asyncio.create_task(dispatcher.step())
        await asyncio.to_thread(sending.wait, 10)
        step.cancel()
        asyncio.get_running_loop().call_later(0.1, may_finish.set)
        with pytest.raises(asyncio.CancelledError):
            await step
    assert (the_reply(database).state, the_job(database).state, len(twilio.texts)) == ("sent", "done", 1)
    assert "job.not_given_back" not in {entry["event"] for entry in logs}


async def test_an_earlier_equal_text_is_not_mistaken_for_this_one(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook,
    clock: time_machine.Traveller,
) -> None:  # fmt: skip
    answer(database, book)
    await dispatcher.step()
    with database.session() as session:
        replies.answer(session, session.scalars(sa.select(Case)).one(), Answer("a", [Way.TEXT], "Đã sửa xong"), now())
    twilio.failing.append(20500)
    await dispatcher.step()
    clock.shift(outbox.WAITS[0])
    await dispatcher.step()
    with database.session() as session:
        states = {reply.provider_id: reply.state for reply in session.scalars(sa.select(Reply))}
    assert states == {text.sid: "sent" for text in twilio.texts}
    assert len(twilio.texts) == 2


async def test_a_status_may_arrive_before_the_text_is_recorded_as_sent(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook,
    clock: time_machine.Traveller,
) -> None:  # fmt: skip
    reply_id = answer(database, book)
    twilio.silent = 1
    await dispatcher.step()
    with database.session() as session:
        assert deliveries.note_status(session, twilio.texts[0].sid, reply_id, "delivered", "", now())
    clock.shift(outbox.WAITS[0])
    await dispatcher.step()
    assert (the_reply(database).state, len(twilio.texts), the_job(database).state) == ("delivered", 1, "done")


async def test_a_line_that_stays_silent_is_given_up_with_an_alarm(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook,
    clock: time_machine.Traveller,
) -> None:  # fmt: skip
    answer(database, book)
    twilio.failing += [20500] * 20
    for wait in (datetime.timedelta(0), *outbox.WAITS):
        clock.shift(wait)
        assert await dispatcher.step() == 1
    assert the_reply(database).state == "failed"
    with database.session() as session:
        assert session.scalars(sa.select(Alarm.kind)).one() == "texts_failing"


async def test_an_answer_waits_for_morning_and_an_automatic_reply_does_not(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook,
    clock: time_machine.Traveller,
) -> None:  # fmt: skip
    clock.move_to(NIGHT)
    answer(database, book)
    await dispatcher.step()
    assert (the_reply(database).state, twilio.texts) == ("waiting", [])
    assert the_job(database).due_at == datetime.datetime(2026, 11, 25, 1, 0, tzinfo=datetime.UTC)
    with database.session() as session:
        replies.acknowledge(session, session.scalars(sa.select(Case)).one(), "Đã nhận", now())
    await dispatcher.step()
    assert [text.body for text in twilio.texts] == ["Đã nhận"]


@pytest.mark.parametrize("by", ["a", "system"])
@pytest.mark.parametrize("number", ["+841900545454", "+8562055512345", "1022", "carrier2%2Fsip"])
async def test_no_text_is_sent_to_a_forged_number_that_would_cost(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook, number: str, by: str
) -> None:
    answer(database, book, number=number, by=by)
    await dispatcher.step()
    reply = the_reply(database)
    assert (reply.state, twilio.texts) == ("failed", [])
    assert reply.reason is not None
    assert reply.reason.key.startswith("outgoing.because.")
    with database.session() as session:
        assert {alarm.kind for alarm in session.scalars(sa.select(Alarm))} == {"outgoing_refused"}


async def test_a_text_above_the_limit_of_the_day_waits_for_the_next(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook
) -> None:
    with database.session() as session:
        for _ in range(RULE.per_day[Use.RECEIPTS]):
            RULE.take(session, Use.RECEIPTS, LAN, now())
    answer(database, book, by="system")
    await dispatcher.step()
    assert (the_reply(database).state, twilio.texts) == ("waiting", [])
    assert the_job(database).due_at == datetime.datetime(2026, 11, 24, 17, 0, tzinfo=datetime.UTC)
    assert reason(the_reply(database)) == "the daily limit for calls or texts of this kind is reached"


@pytest.mark.parametrize("erased", [True, False])
async def test_an_erased_or_unsubscribed_citizen_gets_no_pending_text(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook, erased: bool
) -> None:
    answer(database, book)
    with database.session() as session:
        if erased:
            session.scalars(sa.select(Case)).one().citizen = None
        else:
            session.scalars(sa.select(Citizen)).one().opted_out_at = now()
    await dispatcher.step()
    assert (the_reply(database).state, twilio.requests) == ("failed", 0)


async def test_with_no_line_at_all_an_answer_fails_with_an_alarm(
    database: Database, book: CitizenBook, clock: time_machine.Traveller
) -> None:
    answer(database, book)
    await TextDispatcher(database, book, NAME, None, lambda _, __: False, RULE).step()
    assert "texts = true" in reason(the_reply(database))
    with database.session() as session:
        assert session.scalars(sa.select(Alarm.kind)).one() == "texts_failing"


async def test_a_text_that_goes_by_sip_is_left_to_the_switchboard(
    database: Database, book: CitizenBook, clock: time_machine.Traveller
) -> None:
    answer(database, book)
    await TextDispatcher(database, book, NAME, None, lambda _, number: number == LAN, RULE).step()
    assert (the_job(database).state, the_job(database, job_kinds.SEND_SIP_TEXT).state) == ("done", "waiting")
    assert the_reply(database).state == "waiting"


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (["sent", "delivered"], "delivered"),
        (["delivered", "sent", "queued"], "delivered"),
        (["delivered", "delivered"], "delivered"),
        (["undelivered"], "failed"),
        (["undelivered", "delivered"], "delivered"),
        (["delivered", "undelivered"], "delivered"),
        (["nonsense", ""], "sent"),
    ],
)
async def test_states_of_a_text_move_forward_alone(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook,
    told: list[str], state: str,
) -> None:  # fmt: skip
    reply_id = answer(database, book)
    await dispatcher.step()
    for status in told:
        with database.session() as session:
            deliveries.note_status(session, twilio.texts[0].sid, reply_id, status, "30003", now())
    assert the_reply(database).state == state


@pytest.mark.parametrize("begun", [True, False])
async def test_a_text_that_kills_its_workers_is_given_up_with_an_alarm(
    database: Database, dispatcher: TextDispatcher, twilio: TwilioStandIn, book: CitizenBook,
    clock: time_machine.Traveller, begun: bool,
) -> None:  # fmt: skip
    answer(database, book)
    for _ in range(jobs.MOST_ATTEMPTS):
        with database.session() as session:
            (claim,) = jobs.claim(session, [job_kinds.SEND_TEXT], now(), outbox.LEASE)
            if begun:
                assert outbox.begin(session, book, RULE, claim, NAME, now()) is not None
        clock.shift(outbox.LEASE)
    assert await dispatcher.step() == 0
    reply = the_reply(database)
    assert (reply.state, "never finished" in reason(reply)) == ("failed", True)
    assert reply.reason is not None
    assert (reply.reason.key == "text.in_doubt_because") == begun
    with database.session() as session:
        assert session.scalars(sa.select(Alarm.kind)).one() == "texts_failing"
