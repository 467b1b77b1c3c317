"""Texts from Asterisk's spool to their cases: filed once, kept until they are, and reported when they are not."""

import base64
import secrets
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from typer.testing import CliRunner

from dialplans import left_messages
from dialplans.left_texts import FOLDER, STILL_SECONDS
from dialplans.sealed import caller_key
from dialplans.text_gate import ROOM_BYTES
from feedback.citizens.registry import open_citizens
from feedback.models import Case, Message
from feedback.texts.text_inbox import Filed, InboundText, TextInbox
from haichieu.alarms import AlarmKind, open_alarms
from haichieu.ari.client import AriClient
from haichieu.cli import citizens
from haichieu.database import Database
from haichieu.people import Role, Unit
from haichieu.processes.spooled_texts import SpooledTexts, report_refused
from haichieu.processes.text_gate_keeper import TextGateKeeper
from haichieu.recording_intake import RecordingIntake
from haichieu.sip.models import Phone, Trunk
from haichieu.vault import open_vault
from tests.builders.accounts import account
from tests.builders.cases import office
from tests.builders.outgoing import RULE, none_is_ours
from tests.faulty_database import FaultyDatabase

pytestmark = pytest.mark.both_databases

LAN = "0912345678"


class Station:
    """The spool of a station, and what files the texts in it."""

    def __init__(self, home: Path, database: Database) -> None:
        self.home = home
        self.database = database
        self.said: list[tuple[str, str]] = []
        with database.session() as session:
            unit = office(session).co_ba.id
            locked = open_vault(home).lock("x")
            session.add(Phone(code="may-la", name="Máy lẻ", caller_number="+84987000111", password_locked=locked))
        book = open_citizens(home)
        phones = TextInbox(database, book, lambda _, number: unit if number == "1022" else None, RULE, none_is_ours)
        trunks = TextInbox(database, book, lambda _, number: unit, RULE, none_is_ours)
        self.kind = SpooledTexts(home, database, phones, trunks, lambda *text: self.said.append(text))
        (home / FOLDER).mkdir(parents=True)

    def comes(self, body: str, *, sender: str = f"<sip:{LAN}@gsm>", call: str = "a", to: str = "1022",
              source: str = "trunk", length: int | None = None, end: str = "end") -> Path:  # fmt: skip
        """Store a text as the dialplan does."""
        size = len(body.encode()) if length is None else length
        fields = (call, "7 MESSAGE", sender, body)
        file = self.home / FOLDER / f"text-{uuid.uuid4()}"
        sealed = "".join(f"{self.seal(field)}." for field in fields)
        file.write_text(f"{int(time.time())} {source} {to} 0{size} {sealed}{end}")
        return file

    async def look(self) -> None:
        """Let the intake look once."""
        await RecordingIntake(cast(AriClient, Asterisk()), self.database, [self.kind]).look()

    def messages(self) -> list[str]:
        """What citizens wrote."""
        with self.database.session() as session:
            return list(session.scalars(sa.select(Message.text).where(Message.direction == "in").order_by(Message.id)))

    def alarms(self) -> list[tuple[str, str]]:
        """The open alarms."""
        with self.database.session() as session:
            return [(alarm.kind, alarm.subject) for alarm in open_alarms(session)]

    def seal(self, text: str) -> str:
        """Encrypt a field as the dialplan does."""
        closer = Cipher(algorithms.AES(caller_key(self.home).encode()), modes.ECB()).encryptor()
        data, sealed = text.replace(":", "\x1a").encode(), ""
        for at in range(0, len(data), 8):
            block = f"{secrets.randbelow(90000000) + 10000000}".encode() + data[at : at + 8].ljust(8, b"\0")
            sealed += base64.b64encode(closer.update(block)).decode()
        return sealed


class Asterisk:
    """Has no channels."""

    async def request(self, *_: object, **__: object) -> list[object]:
        return []


@pytest.fixture
def station(database: Database, tmp_path: Path) -> Station:
    return Station(tmp_path, database)


async def test_text_becomes_a_case_and_leaves_the_spool(station: Station) -> None:
    file = station.comes("Cầu treo hỏng: nguy hiểm")
    await station.look()
    assert (station.messages(), file.exists(), station.alarms()) == (["Cầu treo hỏng: nguy hiểm"], False, [])


async def test_text_that_a_gateway_repeats_opens_one_case(station: Station) -> None:
    station.comes("Cầu treo hỏng")
    await station.look()
    station.comes("Cầu treo hỏng")
    station.comes("Mất điện", call="b")
    await station.look()
    assert station.messages() == ["Cầu treo hỏng", "Mất điện"]
    assert list((station.home / FOLDER).iterdir()) == []


async def test_text_stays_in_the_spool_until_its_case_is_committed(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = station.comes("Cầu treo hỏng")
    take: Callable[[TextInbox, InboundText], Filed] = TextInbox.take

    def fails(inbox: TextInbox, text: InboundText) -> Filed:
        raise sa.exc.OperationalError("INSERT", {"text": text.body}, Exception("database is locked"))

    monkeypatch.setattr(TextInbox, "take", fails)
    await station.look()
    assert (file.exists(), station.alarms()) == (True, [(AlarmKind.RECORDING_FAILED, file.name)])
    monkeypatch.setattr(TextInbox, "take", take)
    await station.look()
    assert (station.messages(), file.exists(), station.alarms()) == (["Cầu treo hỏng"], False, [])


async def test_text_that_was_cut_short_is_filed_and_says_so(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    station.comes("Cầu treo hỏng", end="")
    await station.look()
    assert station.messages() == []
    now = time.time()
    monkeypatch.setattr("dialplans.left_texts.time.time", lambda: now + STILL_SECONDS + 1)
    await station.look()
    station.comes("", call="b", length=1500)
    await station.look()
    cut, lost = station.messages()
    assert cut.startswith("Cầu treo hỏng\n[")
    assert lost.startswith("[")


async def test_phone_texts_as_its_own_number_whatever_its_name_says(station: Station) -> None:
    station.comes("Mất nước", sender=f'"x <sip:{LAN}@y>" <sip:may-la@h>', source="phone")
    await station.look()
    with station.database.session() as session:
        citizen = session.scalars(sa.select(Case)).one().citizen
        assert citizen is not None
        assert open_citizens(station.home).number_of(citizen) == "+84987000111"


async def test_phone_that_texts_a_wrong_number_receives_a_reply(station: Station) -> None:
    file = station.comes("Gọi nhầm", sender="<sip:may-la@h>", source="phone", to="4711")
    await station.look()
    assert (station.messages(), file.exists()) == ([], False)
    assert [(number, "4711" in text) for number, text in station.said] == [("+84987000111", True)]


async def test_gateway_with_an_unknown_number_loses_no_text(station: Station) -> None:
    station.comes("Cầu hỏng", to="s")
    await station.look()
    assert station.messages() == ["Cầu hỏng"]


async def test_opting_out_again_by_an_old_text_is_ignored(station: Station) -> None:
    station.comes("HUY")
    await station.look()
    station.comes("DANG KY", call="b")
    await station.look()
    station.comes("HUY")
    await station.look()
    assert len(station.said) == 2


async def test_dropped_texts_of_a_flood_raise_an_alarm(station: Station) -> None:
    (station.home / FOLDER / "flood-phone").write_text("...")
    await station.look()
    assert station.alarms() == [(AlarmKind.TEXTS_FAILING, "texts:phone")]


def test_account_that_may_not_text_raises_an_alarm(station: Station) -> None:
    with station.database.session() as session:
        for code, texts in (("gsm", True), ("carrier", False)):
            session.add(Trunk(code=code, host="h", port=5060, texts=texts))
    for endpoint in ("gsm", "may-la", "carrier"):
        report_refused(station.database, endpoint)
    assert station.alarms() == [(AlarmKind.TEXTS_FAILING, "texts:carrier")]


def test_erased_citizen_leaves_nothing_in_the_spool(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    with station.database.session() as session:
        account(session, "admin@x.example", Role.ADMIN, session.scalars(sa.select(Unit.id)).first() or 0)
    erased = [station.comes("Cầu hỏng", call="a"), station.comes("Mưa to", call="b", end="")]
    stays = [station.comes("Khác", sender="<sip:0987654321@gsm>"), station.comes("Máy lẻ", sender="<sip:may-la@x>")]
    messages = station.home / left_messages.FOLDER
    messages.mkdir(parents=True)
    for channel, number, files in (("1.2", "+84912345678", erased), ("3.4", "0987654321", stays)):
        about, wav = (messages / f"left-{channel}{suffix}" for suffix in (".about", ".wav"))
        about.write_text(f"1795000000 1022 {station.seal(number)} DTMF")
        wav.touch()
        files += [about, wav]
    url = station.database.url.render_as_string(hide_password=False)
    monkeypatch.setenv("HAICHIEU_DATABASE_URL", url)
    options = ["erase", LAN, "--by", "admin@x.example", "--home", str(station.home), "--yes"]
    done = CliRunner().invoke(citizens.app, options)
    assert (done.exit_code, "3" in done.output) == (0, True), done.output
    assert [one.exists() for one in erased + stays] == [False] * len(erased) + [True] * len(stays)
    assert CliRunner().invoke(citizens.app, options).exit_code == 1


class AsteriskToldOfRoom:
    """Takes what is sent to Asterisk, in place of a connection to it."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def request(self, _: object, **parameters: str) -> None:
        self.told.append(parameters["value"])


async def test_texts_are_refused_while_the_disk_is_full(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asterisk, free = AsteriskToldOfRoom(), ROOM_BYTES
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    keeper = TextGateKeeper(cast("AriClient", asterisk), database, tmp_path)

    async def look() -> list[str]:
        await keeper.look()
        with database.session() as session:
            return [alarm.subject for alarm in open_alarms(session)]

    assert await look() == []
    free -= 1
    assert await look() == await look() == ["texts:disk"]
    await keeper.asterisk_connected()  # it may have restarted
    free += 1
    assert await look() == []
    assert asterisk.told == ["", "-none", "-none", ""]


async def test_full_disk_that_takes_no_alarm_is_reported_later(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    asterisk, faulty = AsteriskToldOfRoom(), FaultyDatabase(database)
    keeper = TextGateKeeper(cast("AriClient", asterisk), faulty, tmp_path)
    faulty.fail_once()
    with pytest.raises(sa.exc.OperationalError):
        await keeper.look()
    await keeper.look()
    with database.session() as session:
        assert [alarm.subject for alarm in open_alarms(session)] == ["texts:disk"]
    assert asterisk.told == ["-none"]
    faulty.close()
