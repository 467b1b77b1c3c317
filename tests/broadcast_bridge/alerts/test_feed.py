import asyncio
import contextlib
import datetime
import gzip
import ipaddress
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from broadcast_bridge.alerts import feed
from broadcast_bridge.alerts.feed_documents import NotAFeed, read_feed
from broadcast_bridge.alerts.models import AlertSource, DecisionKind
from haichieu.alarms import AlarmKind, open_alarms
from haichieu.background import in_background
from haichieu.changes import changes
from haichieu.database import Database
from haichieu.locale import message, render
from tests.broadcast_bridge.alerts.messages import NOW, Signer, alert, info, minutes, place, source
from tests.broadcast_bridge.alerts.weather_service import ATOM, SIGNER, Station, atom, heard, listen_to

BOMB = gzip.compress(bytes(20_000_000))


@pytest.fixture
async def weather() -> AsyncIterator[Station]:
    station = Station()
    await station.server.start_server()
    yield station
    await station.server.close()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def row(database: Database, source_id: int) -> AlertSource:
    with database.session() as session:
        return session.get_one(AlertSource, source_id)


async def test_entries_are_heard_once_and_the_oldest_first(
    database: Database, weather: Station, client: aiohttp.ClientSession
) -> None:
    weather.pages = {
        "/feed": atom("/1.xml", "/2.xml"),
        "/1.xml": SIGNER.sign(alert("một")),
        "/2.xml": SIGNER.sign(alert("hai")),
    }
    source_id = listen_to(database, weather.url())
    first = await feed.poll(database, client, source_id, NOW)
    assert (first.decisions, first.problems) == ((DecisionKind.AIR, DecisionKind.AIR), ())
    assert heard(database) == ["một", "hai"]
    again = await feed.poll(database, client, source_id, minutes(1))
    assert (again.decisions, weather.asked.count("/1.xml")) == ((), 1)
    assert row(database, source_id).last_ok_at == minutes(1)
    assert row(database, source_id).next_poll_at == minutes(2)


async def test_bad_entries_do_not_keep_the_good_one_out(
    database: Database, weather: Station, client: aiohttp.ClientSession
) -> None:
    weather.pages = {
        "/feed": atom("/gone", "/forged", "/broken", "/huge", "http://127.0.0.1:1/x", "/loop", "/good"),
        "/forged": Signer().sign(alert("giả")),
        "/broken": b"<alert",
        "/huge": b"x" * 1_000_001,
        "/good": SIGNER.sign(alert("thật")),
    }
    weather.redirects = {"/loop": "/loop"}
    source_id = listen_to(database, weather.url())
    result = await feed.poll(database, client, source_id, NOW)
    assert heard(database) == ["thật"]
    assert len(result.problems) == 6
    assert row(database, source_id).last_ok_at == NOW
    with database.session() as session:
        assert {alarm.kind for alarm in open_alarms(session)} == {AlarmKind.ALERT_FORGED, AlarmKind.ALERT_DEFECTIVE}


async def test_what_could_not_be_fetched_is_tried_again_and_a_forgery_is_not(
    database: Database, weather: Station, client: aiohttp.ClientSession
) -> None:
    weather.etag = '"v1"'
    weather.pages = {"/feed": atom("/late", "/forged"), "/forged": Signer().sign(alert("giả"))}
    source_id = listen_to(database, weather.url())
    await feed.poll(database, client, source_id, NOW)
    weather.pages["/late"] = SIGNER.sign(alert("muộn"))
    await feed.poll(database, client, source_id, minutes(1))
    assert (heard(database), weather.asked.count("/forged")) == (["muộn"], 1)


async def test_an_unchanged_feed_is_not_read_again(
    database: Database, weather: Station, client: aiohttp.ClientSession
) -> None:
    weather.etag = '"v1"'
    weather.pages = {"/feed": atom("/1.xml"), "/1.xml": SIGNER.sign(alert())}
    source_id = listen_to(database, weather.url())
    await feed.poll(database, client, source_id, NOW)
    assert row(database, source_id).feed_etag == '"v1"'
    weather.pages["/feed"] = b"not even XML"
    result = await feed.poll(database, client, source_id, minutes(1))
    assert result.problems == ()
    assert row(database, source_id).last_ok_at == minutes(1)
    weather.etag, weather.pages["/feed"] = '"v2"', atom("/1.xml", "/2.xml")
    weather.pages["/2.xml"] = SIGNER.sign(alert("hai"))
    await feed.poll(database, client, source_id, minutes(2))
    assert (heard(database), weather.asked.count("/1.xml")) == (["CB-2026-001", "hai"], 1)


async def test_an_alert_dated_in_the_future_is_aired_at_its_time(
    database: Database, weather: Station, client: aiohttp.ClientSession
) -> None:
    weather.pages = {"/feed": atom("/1.xml"), "/1.xml": SIGNER.sign(alert(sent=minutes(7)))}
    source_id = listen_to(database, weather.url())
    assert (await feed.poll(database, client, source_id, NOW)).decisions == ()
    assert (await feed.poll(database, client, source_id, minutes(3))).decisions == (DecisionKind.AIR,)


async def test_a_failing_feed_is_polled_less_often_and_raises_an_alarm(
    database: Database, weather: Station, client: aiohttp.ClientSession
) -> None:
    source_id = listen_to(database, weather.url())
    at, waits = NOW, []
    while at < minutes(61):
        assert list(await feed.poll_due(database, client, at)) == [source_id]
        following = row(database, source_id).next_poll_at
        assert following is not None
        waits.append((following - at).total_seconds())
        at = following
    assert waits[:4] == [120, 240, 300, 300]
    assert row(database, source_id).last_problem == message("alert.feed.http_status", url=weather.url(), status=404)
    await feed.poll_due(database, client, at)
    with database.session() as session:
        assert [alarm.kind for alarm in open_alarms(session)] == [AlarmKind.FEED_SILENT]
    weather.pages = {"/feed": atom()}
    await feed.poll_due(database, client, minutes(10, at))
    assert (row(database, source_id).failures, row(database, source_id).last_problem) == (0, None)


async def test_a_feed_that_is_being_polled_is_not_taken_by_another_process(
    database: Database, weather: Station, client: aiohttp.ClientSession
) -> None:
    source_id = listen_to(database, weather.url())
    with database.session() as session:
        assert feed._claim(session, NOW) == [source_id]
    assert await feed.poll_due(database, client, minutes(1)) == {}
    assert list(await feed.poll_due(database, client, minutes(3))) == [source_id]


async def test_a_feed_cannot_be_redirected_to_another_host(
    database: Database, weather: Station, client: aiohttp.ClientSession
) -> None:
    other = Station()
    await other.server.start_server()
    weather.redirects = {"/feed": other.url()}
    source_id = listen_to(database, weather.url())
    result = await feed.poll(database, client, source_id, NOW)
    await other.server.close()
    assert other.asked == []
    assert result.problems[0].key == "alert.feed.other_host"


async def test_a_source_that_does_not_sign_is_believed_over_https(database: Database, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, private = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*encoding))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    weather = Station()
    await weather.server.start_server(ssl=context)
    weather.pages = {"/feed": atom("/1.xml"), "/1.xml": alert()}
    with database.session() as session:
        place(session)
        source_id = source(session, secret="", feed_url=weather.url()).id
    async with aiohttp.ClientSession() as stranger:
        (problem,) = (await feed.poll(database, stranger, source_id, NOW)).problems
        assert "Certificate" in render(problem, "en")
    trusting = ssl.create_default_context(cafile=str(chain))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as client:
        assert (await feed.poll(database, client, source_id, NOW)).decisions == (DecisionKind.AIR,)
    await weather.server.close()


def test_rss_items_and_alerts_inside_the_feed_are_read_too() -> None:
    inline = alert().split(b"?>")[1]
    rss = (
        b'<rss><channel><item><link>/page</link><enclosure type="application/cap+xml" url="/1.xml"/></item>'
        b"<item><link> /2.xml </link></item></channel></rss>"
    )
    assert [entry.url for entry in read_feed(rss, "https://a.example/x/feed")] == [
        "https://a.example/2.xml",
        "https://a.example/1.xml",
    ]
    content = f'<entry><content type="application/cap+xml">{inline.decode()}</content></entry>'
    (entry,) = read_feed(ATOM.format(content).encode(), "https://a.example/feed")
    assert entry.alert is not None
    assert read_feed(alert(), "https://a.example/feed")[0].alert is not None


def test_a_changed_entry_is_a_new_one() -> None:
    one, other = (read_feed(ATOM.format(f"<entry><updated>{n}</updated></entry>").encode(), "u")[0] for n in (1, 2))
    assert one.key != other.key


def test_a_page_that_is_no_feed_is_refused() -> None:
    with pytest.raises(NotAFeed):
        read_feed(b"<html/>", "https://a.example/feed")


def test_a_very_long_feed_is_read_as_far_as_its_newest_entries() -> None:
    entries = read_feed(atom(*(f"/{n}.xml" for n in range(600))), "https://a.example/feed")
    assert (len(entries), entries[-1].url) == (500, "https://a.example/599.xml")


async def test_an_alert_inside_a_feed_keeps_its_signature(
    database: Database, weather: Station, client: aiohttp.ClientSession
) -> None:
    signed = SIGNER.sign(alert(infos=info())).split(b"?>")[1].decode()
    weather.pages = {"/feed": ATOM.format(f"<entry><content>{signed}</content></entry>").encode()}
    source_id = listen_to(database, weather.url())
    assert (await feed.poll(database, client, source_id, NOW)).decisions == (DecisionKind.AIR,)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nETag: \xff\xfe\r\nContent-Length: 7\r\n\r\n<rss/>\n",
        b"HTTP/1.1 302 Found\r\nLocation: /\xff\xfe\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<rss",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n<rss",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(BOMB), BOMB),
        b"HTTP/1.1 200 \xff\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"",
    ],
    ids=[
        *("odd ETag", "odd redirect", "broken redirect", "no redirect", "cut short", "no gzip"),
        *("gzip bomb", "huge header", "no HTTP", "nothing"),
    ],
)
async def test_whatever_a_server_answers_the_poll_ends_and_leaves_its_outcome(
    answer: bytes, migrated_sqlite: Path, tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    database = Database(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path)}")
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        source_id = listen_to(database, f"http://127.0.0.1:{port}/feed")
        assert (await feed.poll(database, client, source_id, NOW)).decisions == ()
    assert row(database, source_id).next_poll_at is not None
    assert (row(database, source_id).last_ok_at is None) == (b"ETag" not in answer)
    database.close()


async def test_feeds_are_watched_until_told_otherwise(database: Database, weather: Station) -> None:
    weather.pages = {"/feed": atom("/1.xml"), "/1.xml": SIGNER.sign(alert())}
    listen_to(database, weather.url())
    async with in_background(feed.watch_feeds(database, lambda: NOW)), asyncio.timeout(10):
        async for _ in changes(database):
            if heard(database):
                break
