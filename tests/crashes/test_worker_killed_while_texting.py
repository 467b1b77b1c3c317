"""A worker that is killed while Twilio has its text in hand: the next one neither loses nor doubles it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from feedback import replies
from feedback.citizens import open_citizens
from feedback.models import Reply
from feedback.texts.twilio_stand_in import TwilioStandIn
from haichieu.database import Database, now
from haichieu.jobs import Job
from tests.feedback.rows import case, office

LAN = "+84912345678"


@pytest.fixture
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as stand_in:
        yield stand_in


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def worker(home: Path, twilio: TwilioStandIn) -> subprocess.Popen[bytes]:
    given = {
        "HOME": home, "TWILIO_ACCOUNT_SID": twilio.account_sid, "TWILIO_AUTH_TOKEN": twilio.token,
        "TWILIO_NUMBER": twilio.number, "TWILIO_BASE_URL": twilio.base_url,
    }  # fmt: skip
    environment = os.environ | {f"HAICHIEU_{name}": str(value) for name, value in given.items()}
    return subprocess.Popen([sys.executable, "-m", "haichieu", "worker"], env=environment, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("taken", [True, False])
def test_a_text_is_neither_lost_nor_doubled(
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
    first = worker(tmp_path, twilio)
    wait_for(lambda: len(twilio.texts) == 1)
    assert reply().state == "under_way"
    first.send_signal(signal.SIGKILL)
    first.wait()
    twilio.slow_seconds = 0
    if not taken:
        twilio.texts.clear()
    with database.session() as session:
        session.scalars(sa.select(Job).where(Job.kind == "send-text")).one().leased_until = now()
    second = worker(tmp_path, twilio)
    wait_for(lambda: reply().state == "sent")
    second.terminate()
    assert second.wait(10) == 0
    assert [(text.to, text.sid) for text in twilio.texts] == [(LAN, reply().provider_id)]
    database.close()
