"""Twilio's webhooks over real HTTP, called and signed by the stand-in as the real one does."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.serving import make_server

from admin.web import create_app
from feedback.citizens.registry import open_citizens
from feedback.models import Citizen, Message, Reply
from feedback.texts.dispatcher import TextDispatcher
from feedback.texts.twilio_line import NAME, TwilioLine, twilio_account
from feedback.texts.twilio_stand_in import TwilioStandIn, sign
from haichieu.database import Database
from haichieu.processes.opened_station import OpenedStation
from haichieu.processes.web import webhooks_of_texts
from haichieu.settings import Settings, load_settings
from tests.builders.cases import office
from tests.builders.outgoing import RULE

LAN = "+84912345678"
PUBLIC = "https://dai.example/haichieu"
"""The proxy before the station takes this prefix away, so the station never sees the URL that is signed."""


@pytest.fixture
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def settings(tmp_path: Path, twilio: TwilioStandIn) -> Settings:
    return load_settings(
        home=tmp_path,
        twilio_account_sid=twilio.account_sid,
        twilio_auth_token=twilio.token,
        twilio_number=twilio.number,
        twilio_base_url=twilio.base_url,
    )


@pytest.fixture
def station(database: Database, settings: Settings, twilio: TwilioStandIn) -> Iterator[str]:
    """The URL of a web process that Twilio calls directly."""
    with database.session() as session:
        office(session)
    server = make_server("127.0.0.1", 0, Flask("port"), threaded=True)  # the application asks for the port
    url = f"http://127.0.0.1:{server.server_port}"
    server.app = called_by_twilio(database, settings.model_copy(update={"public_url": url}))
    twilio.webhook = f"{url}/webhooks/twilio/sms"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield url
    server.shutdown()
    server.server_close()


def called_by_twilio(database: Database, settings: Settings) -> Flask:
    """The web application with the webhooks, as the command line composes it."""
    return create_app(database, settings, [webhooks_of_texts(OpenedStation(settings, database))])


def kept(database: Database) -> list[str]:
    """What citizens wrote."""
    with database.session() as session:
        return list(session.scalars(sa.select(Message.text).where(Message.direction == "in").order_by(Message.id)))


@pytest.mark.parametrize("body", ["Cầu treo hỏng", "x" * 1600, "😀" * 400, "'; DROP TABLE cases; --", "a\x00b\u202ec"])
def test_a_text_becomes_a_case_and_is_answered_by_the_outbox(
    database: Database, station: str, twilio: TwilioStandIn, body: str
) -> None:
    answered = twilio.bring_text(LAN, body)
    assert (answered.status, "<Response" in answered.body, "<Message" in answered.body) == (200, True, False)
    assert kept(database) == [body.replace("\x00", "").replace("\u202e", "")]
    with database.session() as session:
        assert session.scalars(sa.select(Reply.state)).all() == ["waiting"]


def test_a_wrong_signature_is_refused_and_nothing_is_filed(
    database: Database, station: str, twilio: TwilioStandIn, caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    fields = {"MessageSid": "SM1", "From": LAN, "To": twilio.number, "Body": "Cầu hỏng"}
    right = sign(twilio.token, twilio.webhook, fields)
    forged = [
        ("", fields),
        (("B" if right[0] == "A" else "A") + right[1:], fields),
        (sign("another token", twilio.webhook, fields), fields),
        (sign(twilio.token, twilio.webhook + "?x=1", fields), fields),
        (right, {**fields, "Body": "Cầu tốt"}),
        (right, {**fields, "More": "x"}),
        (right, {name: value for name, value in fields.items() if name != "Body"}),
        ("ö" * 28, fields),
    ]
    for signature, given in forged:
        refused = twilio.post(twilio.webhook, given, signature.encode().decode("latin-1"))
        assert (refused.status, '"status":403' in refused.body) == (403, True), signature
        assert twilio.token not in refused.body
    assert kept(database) == []
    said = caplog.text + "".join(capsys.readouterr())
    assert not any(secret in said for secret in (twilio.token, LAN, right))
    assert twilio.post(twilio.webhook, fields, right).status == 200


def test_another_accounts_request_is_refused(database: Database, station: str, twilio: TwilioStandIn) -> None:
    assert twilio.bring_text(LAN, "Cầu hỏng", AccountSid="AC9").status == 403
    assert kept(database) == []


def test_the_url_that_is_signed_is_the_public_one(
    database: Database, settings: Settings, twilio: TwilioStandIn
) -> None:
    with database.session() as session:
        office(session)
    behind_proxy = settings.model_copy(update={"public_url": f"{PUBLIC}/"})
    client = called_by_twilio(database, behind_proxy).test_client()
    fields = {"MessageSid": "SM1", "From": LAN, "To": twilio.number, "Body": "Cầu hỏng"}
    seen = "http://localhost/webhooks/twilio/sms?a=1&b=%C3%A0"
    for signed, status in ((seen, 403), (f"{PUBLIC}/webhooks/twilio/sms?a=1&b=%C3%A0", 200)):
        headers = {"X-Twilio-Signature": sign(twilio.token, signed, fields)}
        assert client.post("/webhooks/twilio/sms?a=1&b=%C3%A0", data=fields, headers=headers).status_code == status
    assert kept(database) == ["Cầu hỏng"]


def test_a_request_that_comes_again_files_nothing_twice(
    database: Database, station: str, twilio: TwilioStandIn
) -> None:
    fields = {"MessageSid": "SM1", "From": LAN, "To": twilio.number, "Body": "Cầu hỏng"}
    requests = [threading.Thread(target=twilio.post, args=(twilio.webhook, fields)) for _ in range(4)]
    for request in requests:
        request.start()
    for request in requests:
        request.join()
    assert kept(database) == ["Cầu hỏng"]
    with database.session() as session:
        assert len(session.scalars(sa.select(Reply)).all()) == 1


@pytest.mark.parametrize(("word", "says"), [("HUY", "không nhắn tin nữa"), ("Từ chối", "không nhắn tin nữa")])
def test_a_citizen_who_unsubscribes_gets_one_confirmation(
    database: Database, station: str, twilio: TwilioStandIn, word: str, says: str
) -> None:
    assert says in twilio.bring_text(LAN, word).body
    assert "<Message" not in twilio.bring_text(LAN, word).body
    assert kept(database) == []


def test_a_flood_is_kept_and_answered_no_more(database: Database, station: str, twilio: TwilioStandIn) -> None:
    for count in range(15):
        assert twilio.bring_text(LAN, f"tin {count}").status == 200
    assert len(kept(database)) == 15
    with database.session() as session:
        assert len(session.scalars(sa.select(Reply)).all()) == 1


@pytest.mark.parametrize(
    ("word", "kind", "opted_out"),
    [("REVOKE", "STOP", True), ("OPTOUT", "STOP", True), ("NGUNG NHAN", "STOP", True), ("Gì đó", "STOP", True),
     ("HELP", "HELP", False), ("TRO GIUP", "HELP", False), ("YES", "START", False)],
)  # fmt: skip
def test_command_that_twilio_answered_opens_no_case_and_gets_no_answer(
    database: Database, station: str, twilio: TwilioStandIn, word: str, kind: str, opted_out: bool
) -> None:
    answered = twilio.bring_text(LAN, word, OptOutType=kind)
    assert (answered.status, "<Message" in answered.body) == (200, False)
    assert kept(database) == []
    with database.session() as session:
        stopped = [one is not None for one in session.scalars(sa.select(Citizen.opted_out_at))]
        assert stopped == ([] if kind == "HELP" else [opted_out])
        assert session.scalars(sa.select(Reply)).all() == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"From": LAN, "Body": "x"}, 400),
        ({"MessageSid": "S" * 65}, 400),
        ({"MessageSid": "SM1", "Body": "x" * 70_000}, 413),
    ],
)
def test_a_request_of_the_wrong_shape_is_a_problem_document(
    database: Database, station: str, twilio: TwilioStandIn, fields: dict[str, str], status: int
) -> None:
    answered = twilio.post(twilio.webhook, fields)
    assert (answered.status, f'"status":{status}' in answered.body) == (status, True)
    assert kept(database) == []


def test_without_twilio_the_webhooks_say_what_is_missing(database: Database, tmp_path: Path) -> None:
    client = called_by_twilio(database, load_settings(home=tmp_path)).test_client()
    answered = client.post("/webhooks/twilio/sms", data={"MessageSid": "SM1"})
    assert (answered.status_code, "HAICHIEU_PUBLIC_URL" in answered.text) == (503, True)


async def test_a_text_is_followed_from_the_case_to_the_phone(
    database: Database, station: str, settings: Settings, twilio: TwilioStandIn
) -> None:
    twilio.bring_text(LAN, "Cầu hỏng")
    account = twilio_account(settings.model_copy(update={"public_url": station}))
    assert account is not None
    book = open_citizens(settings.home)
    outbox = TextDispatcher(database, book, NAME, TwilioLine(account), lambda _, __: False, RULE)
    await outbox.step()
    (text,) = twilio.texts
    assert (text.to, "phản ánh số" in text.body) == (LAN, True)
    for status, becomes in (("sent", "sent"), ("delivered", "delivered"), ("sent", "delivered")):
        assert twilio.tell_status(text, status).status == 204
        with database.session() as session:
            assert session.scalars(sa.select(Reply.state)).one() == becomes
    assert twilio.post(text.callback, {"MessageSid": text.sid, "MessageStatus": "failed"}, "x").status == 403
