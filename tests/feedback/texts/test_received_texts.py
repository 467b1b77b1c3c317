"""Texts that Twilio received while the station was away: listed with its own client, filed once."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from feedback.citizens.privacy import erase_citizen
from feedback.citizens.registry import open_citizens
from feedback.models import Message, TextLine
from feedback.texts import twilio_line
from feedback.texts.received_texts import ALARM_AFTER, ReceivedTexts
from feedback.texts.text_inbox import Filed, InboundText, TextInbox
from feedback.texts.twilio_line import TwilioAccount, TwilioLine
from feedback.texts.twilio_stand_in import TwilioStandIn
from haichieu.alarms import open_alarms
from haichieu.database import Database, now
from haichieu.media import MediaStore
from tests.builders.cases import office
from tests.builders.outgoing import RULE, none_is_ours

LAN = "+84912345678"


@pytest.fixture
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as found:
        yield found


class Office:
    """A station that texts through the stand-in."""

    def __init__(self, database: Database, home: Path, twilio: TwilioStandIn) -> None:
        self.database = database
        self.book = open_citizens(home)
        with database.session() as session:
            unit = office(session).co_ba.id
        self.inbox = TextInbox(database, self.book, lambda _, number: unit, RULE, none_is_ours)
        account = TwilioAccount(twilio.account_sid, twilio.token, twilio.number, twilio.base_url)
        self.received = ReceivedTexts(database, "twilio", TwilioLine(account), self.inbox)

    def messages(self) -> list[str]:
        """What citizens wrote."""
        with self.database.session() as session:
            return list(session.scalars(sa.select(Message.text).where(Message.direction == "in").order_by(Message.id)))

    def was_listed(self, ago: datetime.timedelta) -> None:
        """Let the last complete listing be so long ago."""
        with self.database.session() as session:
            session.scalars(sa.select(TextLine)).one().listed_until = now() - ago


@pytest.fixture
def station(database: Database, tmp_path: Path, twilio: TwilioStandIn) -> Office:
    """A station that has listed texts before."""
    found = Office(database, tmp_path, twilio)
    assert found.received.reconcile()
    return found


def test_texts_before_the_first_listing_are_left_alone(
    database: Database, tmp_path: Path, twilio: TwilioStandIn
) -> None:
    twilio.receive(LAN, "Chuyện cũ")
    station = Office(database, tmp_path, twilio)
    assert station.received.reconcile()
    assert station.messages() == []


def test_texts_that_no_webhook_brought_are_filed_once(
    station: Office, twilio: TwilioStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_line, "PAGE", 2)
    for number in range(5):
        twilio.receive(LAN, f"tin {number}")
    twilio.receive(LAN, "số khác", to="+12025550199")
    brought = twilio.receive(LAN, "đã đến")
    station.inbox.take(InboundText(LAN, twilio.number, brought.body, external_id=brought.sid))
    assert [station.received.reconcile() for _ in range(2)] == [True, True]
    assert station.messages() == ["đã đến", *(f"tin {number}" for number in range(5))]


def test_wishes_are_taken_in_their_order_and_confirmed_once(station: Office, twilio: TwilioStandIn) -> None:
    twilio.receive(LAN, "HUY")
    twilio.receive(LAN, "DANG KY")
    for _ in range(2):
        assert station.received.reconcile()
    assert [text.to for text in twilio.texts] == [LAN, LAN]


def test_erased_text_does_not_return(station: Office, twilio: TwilioStandIn, tmp_path: Path) -> None:
    twilio.receive(LAN, "Cầu hỏng")
    assert station.received.reconcile()
    with station.database.session() as session:
        erase_citizen(session, MediaStore(tmp_path / "media", 1), station.book, LAN, "account:a", now())
    assert station.received.reconcile()
    assert station.messages() == [""]


def test_text_that_cannot_be_filed_is_tried_again_and_keeps_no_other_away(
    station: Office, twilio: TwilioStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = TextInbox.take

    def fails(inbox: TextInbox, text: InboundText) -> Filed:
        if text.body == "hỏng":
            raise sa.exc.OperationalError("INSERT", {}, Exception(text.body))
        return take(inbox, text)

    monkeypatch.setattr(TextInbox, "take", fails)
    twilio.receive(LAN, "hỏng")
    twilio.receive(LAN, "lành")
    assert not station.received.reconcile()
    with station.database.session() as session:
        assert ["hỏng" in str(alarm.text) for alarm in open_alarms(session)] == [False]
    monkeypatch.setattr(TextInbox, "take", take)
    assert station.received.reconcile()
    assert station.messages() == ["lành", "hỏng"]
    with station.database.session() as session:
        assert open_alarms(session) == []


def test_provider_that_does_not_answer_for_long_raises_an_alarm(station: Office, twilio: TwilioStandIn) -> None:
    for ago, alarms in ((datetime.timedelta(), 0), (ALARM_AFTER * 2, 1)):
        station.was_listed(ago)
        twilio.failing.append(20500)
        assert not station.received.reconcile()
        with station.database.session() as session:
            assert len(open_alarms(session)) == alarms
    twilio.receive(LAN, "Mất điện")
    assert station.received.reconcile()
    assert station.messages() == ["Mất điện"]
