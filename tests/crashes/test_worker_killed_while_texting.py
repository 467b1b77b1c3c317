"""A worker killed while Twilio accepts its text: the text is sent exactly once."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import sqlalchemy as sa

from feedback.answers import replies
from feedback.citizens.registry import open_citizens
from feedback.models import Reply
from feedback.texts.twilio_stand_in import TwilioStandIn
from haichieu.database import Database, now
from haichieu.jobs import Job
from tests.builders.cases import case, office
from tests.crashes.workers import worker
from tests.waiting import wait_until

LAN = "+84912345678"


@pytest.fixture
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as stand_in:
        yield stand_in


def texting_worker(home: Path, twilio: TwilioStandIn) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return worker(
        home, twilio_account_sid=twilio.account_sid, twilio_auth_token=twilio.token, twilio_number=twilio.number,
        twilio_base_url=twilio.base_url,
    )  # fmt: skip


@pytest.mark.proof
@pytest.mark.parametrize("taken", [True, False])
def test_text_is_neither_lost_nor_doubled(
    tmp_path: Path, migrated_sqlite: Path, twilio: TwilioStandIn, taken: bool
) -> None:
    database = Database(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'haichieu.sqlite')}")
    with database.session() as session:
        citizen = open_citizens(tmp_path).meet(session, LAN, now())
        replies.acknowledge(session, case(session, office(session), citizen=citizen), "Đã nhận", now())

    def reply() -> Reply:
        with database.session() as session:
            return session.scalars(sa.select(Reply)).one()

    twilio.slow_seconds = 60
    with texting_worker(tmp_path, twilio) as first:
        wait_until(lambda: len(twilio.texts) == 1, "the text is taken")
        assert reply().state == "under_way"
        first.kill()
        first.wait()
    twilio.slow_seconds = 0
    if not taken:
        twilio.texts.clear()
    with database.session() as session:
        session.scalars(sa.select(Job).where(Job.kind == "send-text")).one().leased_until = now()
    with texting_worker(tmp_path, twilio) as second:
        wait_until(lambda: reply().state == "sent", "the text is sent")
        second.terminate()
        assert second.wait(10) == 0
    assert [(text.to, text.sid) for text in twilio.texts] == [(LAN, reply().provider_id)]
    database.close()
