"""Texts by SIP as far as no Asterisk is needed: what Asterisk's answer, or its silence, makes of a text."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from feedback import job_kinds
from feedback.answers import replies
from feedback.answers.replies import Answer
from feedback.citizens.registry import open_citizens
from feedback.models import CaseChange, Reply
from feedback.states import Way
from feedback.texts.sip_texts import SipRoute, SipTexts
from haichieu import background, jobs
from haichieu.alarms import open_alarms
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AriRefused, AsteriskUnavailable, NotConnected
from haichieu.database import Database, now
from haichieu.demo.trial_station import until
from haichieu.jobs import Job
from haichieu.station import the_station
from tests.builders.cases import case, office
from tests.builders.outgoing import RULE
from tests.faulty_database import FaultyDatabase


class Asterisk(AriClient):
    """Takes texts, or does not."""

    def __init__(self, problem: Exception | None) -> None:
        super().__init__("127.0.0.1", 9, "", unclaimed=lambda event: None)
        self.problem = problem
        self.asked = 0

    async def request(self, *_: Any, **__: Any) -> None:
        self.asked += 1
        if self.problem is not None:
            raise self.problem


def one_text(database: Database, home: Path, asterisk: Asterisk) -> SipTexts:
    """Answer a case by text; return what sends it."""
    book = open_citizens(home)
    with database.session() as session:
        session.add(station := the_station(session))
        station.reply_hours = ""  # at any hour
        opened = case(session, office(session), citizen=book.meet(session, "+84912345678", now()))
        message = replies.answer(session, opened, Answer("account:a", [Way.TEXT], "Đã sửa"), now())
        jobs.renew(session, job_kinds.SEND_SIP_TEXT, message.replies[0].id, now())
    return SipTexts(asterisk, database, book, lambda session, number: SipRoute("pjsip:gsm/sip:1@h", "sip:2@h"), RULE)


@pytest.mark.parametrize(
    ("problem", "state", "job", "alarms"),
    [
        (None, "sent", "done", 0),
        (AriRefused(422, "PUT", "no contact"), "waiting", "waiting", 0),
        (NotConnected("refused"), "waiting", "waiting", 0),
        (AsteriskUnavailable("it went away in the middle"), "failed", "failed", 1),
    ],
)
async def test_only_a_text_that_may_have_gone_is_in_doubt(
    database: Database, tmp_path: Path, problem: Exception | None, state: str, job: str, alarms: int
) -> None:
    asterisk = Asterisk(problem)
    texts = one_text(database, tmp_path, asterisk)
    assert (await texts.step(), await texts.step(), asterisk.asked) == (1, 0, 1)
    with database.session() as session:
        reply = session.scalars(sa.select(Reply)).one()
        send = session.scalars(sa.select(Job).where(Job.kind == job_kinds.SEND_SIP_TEXT)).one()
        assert (reply.state, send.state, len(open_alarms(session))) == (state, job, alarms)
        in_doubt = reply.reason is not None and reply.reason.key == "text.in_doubt_because"
        assert in_doubt == (alarms == 1)
        unconfirmed = reply.reason is not None and reply.reason.key == "text.sip.unconfirmed"
        assert unconfirmed == (state == "sent")
        history = session.scalars(sa.select(CaseChange).where(CaseChange.what == "text_in_doubt")).all()
        assert [step.after_message for step in history] == ([reply.reason] if in_doubt else [])


async def test_text_that_has_gone_is_written_as_sent_after_an_error(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "RETRY_SECONDS", (0.01,))
    faulty, asterisk = FaultyDatabase(database), Asterisk(None)
    texts = one_text(faulty, tmp_path, asterisk)
    faulty.fails_for = lambda session: asterisk.asked > 0
    sending = asyncio.create_task(texts.step())
    await until(lambda: faulty.failures > 2, "the result was not written")
    faulty.release()
    await sending
    with database.session() as session:
        assert (session.scalars(sa.select(Reply)).one().state, open_alarms(session)) == ("sent", [])
    faulty.close()
