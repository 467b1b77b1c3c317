"""Texts while the application is down: Asterisk stores each in the spool, whatever it says."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import closing

import pytest
import pytest_asyncio

from dialplans.accounts import ha1, phone_account, speaker_account, trunk_account
from dialplans.left_texts import FOLDER, MOST_A_MINUTE, LeftText, dropped, is_finished, left_text, left_texts
from dialplans.text_gate import VARIABLE
from haichieu.demo.softphone.controller import SoftPhone
from haichieu.demo.trial_station import until
from tests.lone_asterisk import LoneAsterisk, lone_asterisk
from tests.on_disk import files_with

SENDER = "0987654321"
HOSTILE = (
    "Cầu treo hỏng 😀",
    "${SHELL(touch /tmp/hacked)} ${GLOBAL(x)} $[1/0] ${EXTEN",
    ")):1:1 )x:3} ((:: a:b:c",
    '"quoted", it\'s, a,b;c=d|e&f `id` $(id) <b> \\ \\x1a \\n % ^',
    "  hai đầu  \tgiữa\r\nhai dòng  x",
    ",",
    ")",
    "x" * 1022,
    "ệ" * 340,
    "'; DROP TABLE cases; --",
)

pytestmark = [pytest.mark.calls, pytest.mark.xdist_group("breakable"), pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def gateway() -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    found.bind(("127.0.0.1", 0))
    found.settimeout(5)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asterisk(tmp_path_factory: pytest.TempPathFactory, gateway: socket.socket) -> AsyncIterator[LoneAsterisk]:
    port = gateway.getsockname()[1]
    accounts = [
        trunk_account("gsm", "127.0.0.1", port, register=False, username="", password="", texts=True),
        phone_account("may-la", ha1("may-la", "p"), "+84987000111"),
        speaker_account("cb-1", ha1("cb-1", "p"), ["alaw"], 0),
    ]
    with closing(gateway):
        async with lone_asterisk(tmp_path_factory.mktemp("texts"), accounts) as running:
            yield running


class Gateway:
    """A GSM gateway that speaks SIP by hand, so that it can say anything."""

    def __init__(self, asterisk: LoneAsterisk, line: socket.socket) -> None:
        self._asterisk = asterisk
        self._line = line
        self.count = 0

    async def text(self, body: bytes, *, name: str = "") -> int:
        """Send one text and return the status of the answer."""
        self.count += 1
        host, port = self._asterisk.settings.bind, self._asterisk.settings.sip_port
        here = f"127.0.0.1:{self._line.getsockname()[1]}"
        head = (
            f"MESSAGE sip:1022@{host}:{port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{self.count};rport\r\n"
            f"From: {name}<sip:{SENDER}@{here}>;tag=t{self.count}\r\nTo: <sip:1022@{host}>\r\n"
            f"Call-ID: call-{self.count}\r\nCSeq: 7 MESSAGE\r\nMax-Forwards: 70\r\n"
            f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._line.sendto(head.encode() + body, (host, port))
        answer = await asyncio.to_thread(self._line.recv, 4096)
        return int(answer.split()[1])

    async def stored(self, count: int) -> list[LeftText]:
        """Wait for so many texts in the spool and take them out."""
        home = self._asterisk.settings.home

        def there() -> bool:
            names = left_texts(home)
            return len(names) >= count and all(is_finished(home, name) for name in names)

        await until(there, f"{count} texts are stored")
        texts = [text for name in left_texts(home) if (text := left_text(home, name)) is not None]
        for text in texts:
            text.forget()
        return texts


@pytest.fixture(scope="module")
def line(asterisk: LoneAsterisk, gateway: socket.socket) -> Gateway:
    return Gateway(asterisk, gateway)


async def test_text_is_stored_as_it_was_sent(asterisk: LoneAsterisk, line: Gateway) -> None:
    for body in HOSTILE:
        assert await line.text(body.encode()) == 202
        (stored,) = await line.stored(1)
        assert (stored.body, stored.whole) == (body, True)
        assert (stored.source, stored.dialled) == ("trunk", "1022")
        assert (stored.call_id, stored.sequence) == (f"call-{line.count}", "7 MESSAGE")
        assert stored.sender == f"<sip:{SENDER}@127.0.0.1>"


async def test_text_that_asterisk_does_not_hand_over_is_noticed(line: Gateway) -> None:
    assert await line.text(b"x" * 1500) == 202
    (stored,) = await line.stored(1)
    assert (stored.body, stored.whole) == ("", False)
    await line.text(b"before\0after")
    (stored,) = await line.stored(1)
    assert stored.body == "before"


async def test_display_name_says_anything(line: Gateway) -> None:
    await line.text(b"a", name='"x)}:1 <sip:911@y> ${GLOBAL(z)} " ')
    (stored,) = await line.stored(1)
    assert stored.sender.endswith(f"<sip:{SENDER}@127.0.0.1>")


@pytest.mark.proof
async def test_flood_is_stored_in_bounds_and_counted(asterisk: LoneAsterisk, line: Gateway) -> None:
    sent, room = 60, 40
    before, home = MOST_A_MINUTE["trunk"] - room, asterisk.settings.home
    await until(lambda: time.time() % 60 < 50, "a minute that lasts for the flood", 12)
    await line.text(b"its count begins")
    await line.stored(1)
    await asterisk.ari("POST", f"/asterisk/variable?variable=GLOBAL(TEXTS_trunk)&value={before}")
    assert {await line.text(f"tin {n}".encode()) for n in range(sent // 2)} == {202}
    second = int(time.time())
    await until(lambda: int(time.time()) > second, "the next second, which is of the same minute", 2)
    assert {await line.text(f"tin {n}".encode()) for n in range(sent // 2, sent)} == {202}
    stored = await line.stored(room)
    flood = home / FOLDER / "flood-trunk"
    await until(lambda: flood.exists() and len(stored) + flood.stat().st_size == sent, "each text is counted")
    await asterisk.ari("POST", "/asterisk/variable?variable=GLOBAL(TEXTS_trunk)&value=0")
    counted = dropped(home, "trunk")
    assert counted is not None
    assert len(stored) + counted.stat().st_size == sent
    counted.unlink()
    assert dropped(home, "trunk") is None


async def test_nothing_of_a_text_is_readable_on_disk(asterisk: LoneAsterisk, line: Gateway) -> None:
    await line.text("Chị Bế Thị Lan ở cạnh cây đa".encode())
    await until(lambda: len(left_texts(asterisk.settings.home)) == 1, "it is stored")
    for word in ("Lan ở", SENDER, "987654321"):
        assert await asyncio.to_thread(files_with, asterisk.settings.home, word) == []
    assert oct((asterisk.settings.home / "etc/texts.conf").stat().st_mode & 0o777) == "0o600"
    await line.stored(1)


async def test_phone_may_text_and_a_speaker_may_not(asterisk: LoneAsterisk, line: Gateway) -> None:
    async with (
        SoftPhone(server=asterisk.server, id="may-la", password="p") as phone,
        SoftPhone(server=asterisk.server, id="cb-1", password="p") as speaker,
    ):
        await phone.ready()
        await speaker.ready()
        assert await speaker.text("1022", "Tôi là loa") == 404
        assert await phone.text("1022", "Mất điện") == 202
        (stored,) = await line.stored(1)
    assert (stored.source, stored.body) == ("phone", "Mất điện")
    assert "<sip:may-la@" in stored.sender


async def test_text_is_refused_while_the_gate_is_closed(asterisk: LoneAsterisk, line: Gateway) -> None:
    await asterisk.ari("POST", f"/asterisk/variable?variable={VARIABLE}&value=-none")
    assert await line.text(b"no room") == 404
    await asterisk.ari("POST", f"/asterisk/variable?variable={VARIABLE}&value=")
    assert await line.text(b"room") == 202
    (stored,) = await line.stored(1)
    assert stored.body == "room"
