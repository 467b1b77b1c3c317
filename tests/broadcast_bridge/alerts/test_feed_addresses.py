"""Entries of a feed whose address is written in another way than that of the feed, or is missing."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from broadcast_bridge.alerts import feed
from broadcast_bridge.alerts.authenticity import FetchedFrom
from broadcast_bridge.alerts.errors import AlertForged
from broadcast_bridge.alerts.models import AlertSource, DecisionKind
from haichieu.database import Database
from haichieu.locale import message
from tests.broadcast_bridge.alerts.messages import NOW, alert, minutes
from tests.broadcast_bridge.alerts.weather_service import ATOM, SIGNER, Station, atom, heard, listen_to


@pytest.fixture
async def weather() -> AsyncIterator[Station]:
    station = Station()
    await station.server.start_server()
    yield station
    await station.server.close()


async def test_alert_on_the_same_host_in_capitals_is_fetched(database: Database, weather: Station) -> None:
    weather.pages = {
        "/feed": atom(f"HTTP://LOCALHOST:{weather.server.port}/1.xml"),
        "/1.xml": SIGNER.sign(alert()),
    }
    source_id = listen_to(database, f"http://localhost:{weather.server.port}/feed")
    async with aiohttp.ClientSession() as client:
        result = await feed.poll(database, client, source_id, NOW)
    assert (result.decisions, result.problems) == ((DecisionKind.AIR,), ())


async def test_entry_without_an_address_is_named_once_and_delays_no_other(database: Database, weather: Station) -> None:
    entries = (
        '<entry><id>urn:x:1</id></entry><entry><link href="http://["/></entry><entry><link href="/1.xml"/></entry>'
    )
    weather.pages = {"/feed": ATOM.format(entries).encode(), "/1.xml": SIGNER.sign(alert())}
    source_id = listen_to(database, weather.url())
    async with aiohttp.ClientSession() as client:
        result = await feed.poll(database, client, source_id, NOW)
        assert list(result.problems) == [message("alert.feed.no_address", url=weather.url())] * 2
        assert heard(database) == ["CB-2026-001"]
        assert (await feed.poll(database, client, source_id, minutes(1))).problems == ()
    assert weather.asked == ["/feed", "/1.xml", "/feed"]


@pytest.mark.parametrize("url", ["https://cap.example.vn:443/a.xml", "https://CAP.example.vn/a.xml"])
def test_alert_of_the_same_host_is_believed_however_it_is_written(url: str) -> None:
    who = AlertSource(code="x", certificate="", feed_url="https://cap.example.vn/feed")
    assert FetchedFrom(url).proven(who, b"x", NOW) == b"x"


@pytest.mark.parametrize("url", ["http://cap.example.vn/a.xml", "https://cap.example.vn:8443/a.xml"])
def test_alert_of_another_scheme_or_port_is_not_believed(url: str) -> None:
    for feed_url in ("https://cap.example.vn/feed", "http://cap.example.vn/feed"):
        with pytest.raises(AlertForged):
            FetchedFrom(url).proven(AlertSource(code="x", certificate="", feed_url=feed_url), b"x", NOW)
