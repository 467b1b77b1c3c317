"""ARI client for one Asterisk: REST requests, and a WebSocket of events.

It knows nothing of calls or broadcasts. ARI replays no events, so after every connection the client lists Asterisk's
channels, notifies listeners whose channel is gone, has the others ask for what they may have missed, and only then
reports itself connected.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import structlog

from haichieu.ari import operations
from haichieu.ari.errors import AriRefused, AsteriskUnavailable, NoSuchThing, NotConnected, WrongMoment
from haichieu.ari.events import RECONNECTED, Event, EventRouter
from haichieu.ari.operations import Operation
from haichieu.ari.outgoing_lines import ANY_NUMBER, Lines
from haichieu.background import result_of

log = structlog.get_logger()

REQUEST_SECONDS = 10.0
RECONNECT_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
GIVE_UP_CALLS_AFTER = 8
"""After this many failed connections (some ten seconds) the calls of that Asterisk count as lost."""

MAX_CONNECTIONS = 16
"""Asterisk uses a thread per connection; a few persistent ones are fastest."""

APPLICATION = "haichieu"
WATCH = "haichieu-watch"
"""A second application on the same socket, for news of endpoints alone. Subscribed to by the first, an endpoint
would bring every event of its channels twice, and every key of a caller with them."""

ENDPOINT_EVENTS = ("ContactStatusChange", "EndpointStateChange", "PeerStatusChange")
CALL_EVENTS = (
    *("StasisStart", "StasisEnd", "Dial", "ChannelStateChange", "ChannelHangupRequest", "ChannelDestroyed"),
    *("ChannelDtmfReceived", "ChannelHold", "ChannelUnhold"),
    *("PlaybackFinished", "RecordingFinished", "RecordingFailed"),
)
"""All that the handlers of calls wait for. Another one costs Asterisk and us as much, for every call."""
TEXT_EVENT = "TextMessageReceived"
"""A SIP MESSAGE came from an endpoint that is watched."""
WATCH_AT_ONCE = 40
"""Asterisk's HTTP server takes a request line of 4 kB."""

LATE_SECONDS = 0.25
"""An event this old shows that Asterisk, or this process, has more to do than it can."""
LATE_FOR_SECONDS, PROMPT_AGAIN_SECONDS = 1.0, 0.02
"""For how long a late event counts when none follows it, and how often it is looked at."""

USER = "haichieu"

Reconcile = Callable[[list[Mapping[str, Any]]], Awaitable[None]]


class _BrokenOff(Exception):
    """The connection ended before the response: Asterisk may have performed the request."""


async def _not_repeated(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Hide a lost connection from aiohttp, which would repeat a PUT or DELETE (RFC 9112 §9.3.1)."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as problem:
        raise _BrokenOff(str(problem)) from problem


class AriClient:
    """One Asterisk as the switchboard sees it. Use it as an asynchronous context manager around `run`."""

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        unclaimed: Callable[[Event], None],
        most_calls: int = ANY_NUMBER,
    ) -> None:
        """`unclaimed` gets the events that nobody claims; `most_calls` are placed at the same time."""
        self._metrics = f"http://{host}:{port}/metrics"
        self._base = f"http://{host}:{port}/ari"
        self._headers = {"Authorization": aiohttp.encode_basic_auth(USER, password)}
        self._session: aiohttp.ClientSession | None = None
        self._once: aiohttp.ClientSession | None = None
        """For requests that must not be repeated: each has a connection of its own, which cannot be stale."""
        self.events = EventRouter(unclaimed)
        self.lines = Lines(most_calls)
        self.connected = asyncio.Event()
        self._ending = asyncio.Semaphore(MAX_CONNECTIONS // 2)
        """For requests that end something, which may be thousands at once: those of calls must not wait for them."""
        self._late_at: float | None = None
        """When the newest event came late, by the clock of the event loop."""

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        connections = aiohttp.TCPConnector(limit=MAX_CONNECTIONS)
        self._session = aiohttp.ClientSession(headers=self._headers, connector=connections, timeout=timeout)
        fresh = aiohttp.TCPConnector(limit=MAX_CONNECTIONS, force_close=True)
        self._once = aiohttp.ClientSession(
            headers=self._headers, connector=fresh, timeout=timeout, middlewares=(_not_repeated,)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in (self._session, self._once):
            if session:
                await session.close()

    async def request(
        self, operation: Operation, *, body: Mapping[str, Any] | None = None, **parameters: str | int | None
    ) -> Any:
        """Perform an operation and return its JSON, or None when it has none. Parameters that are None are omitted.

        Raises AsteriskUnavailable (NotConnected when it cannot have seen the request), NoSuchThing, WrongMoment or
        AriRefused.
        """
        performed = self._perform(operation, body, parameters)
        return await (result_of(asyncio.ensure_future(performed)) if operation.makes else performed)

    async def _perform(
        self, operation: Operation, body: Mapping[str, Any] | None, parameters: Mapping[str, str | int | None]
    ) -> Any:
        session = self._once if operation.once else self._session
        assert session is not None, "the client is used outside its context"  # noqa: S101
        given = {name: str(value) for name, value in parameters.items() if value is not None}
        query = {name: value for name, value in given.items() if name in operation.query}
        path = operation.path.format(**{name: quote(value, safe="") for name, value in given.items()})
        turn = self._ending if operation.method == "DELETE" else contextlib.nullcontext()
        try:
            async with turn, session.request(operation.method, self._base + path, params=query, json=body) as response:
                text = await response.text()
        except aiohttp.ClientConnectorError as problem:
            raise NotConnected("ari.not_connected", address=str(self._base), why=str(problem)) from problem
        except (aiohttp.ClientError, _BrokenOff, TimeoutError) as problem:  # also an answer that breaks off
            raise AsteriskUnavailable("ari.unavailable", address=str(self._base), why=str(problem)) from problem
        if response.status < 400:
            return json.loads(text) if text else None
        refusal = {404: NoSuchThing, 409: WrongMoment, 412: WrongMoment}.get(response.status, AriRefused)
        raise refusal(response.status, f"{operation.method} {path}", text[:200])

    async def until_prompt(self) -> None:
        """Wait while events arrive late: more calls now would only make those of all others, and keys, later."""
        clock = asyncio.get_running_loop().time
        while self._late_at is not None and clock() - self._late_at < LATE_FOR_SECONDS:  # noqa: ASYNC110 (it may just pass)
            await asyncio.sleep(PROMPT_AGAIN_SECONDS)

    async def endpoints(self) -> list[Mapping[str, Any]]:
        """Return the SIP endpoints with their states; Asterisk answers 404 when it has none."""
        try:
            listed: list[Mapping[str, Any]] = await self.request(operations.LIST_ENDPOINTS, tech="PJSIP")
        except NoSuchThing:
            return []
        return listed

    async def channels(self) -> list[Mapping[str, Any]]:
        """Return Asterisk's channels, each once: it lists one twice whose state changes meanwhile. Raises AriError."""
        listed: list[Mapping[str, Any]] = await self.request(operations.LIST_CHANNELS)
        return list({channel["id"]: channel for channel in listed}.values())

    async def metrics(self) -> str:
        """Return Asterisk's metrics in the text format of Prometheus. Raises AsteriskUnavailable."""
        assert self._session is not None, "the client is used outside its context"  # noqa: S101
        try:
            async with self._session.get(self._metrics) as response:
                return await response.text() if response.status < 400 else ""
        except (aiohttp.ClientError, TimeoutError) as problem:
            raise AsteriskUnavailable("ari.unavailable", address=self._metrics, why=str(problem)) from problem

    async def watch_endpoints(self, names: Iterable[str]) -> None:
        """Receive `ENDPOINT_EVENTS` and the texts of these SIP endpoints from now on."""
        sources = [f"endpoint:PJSIP/{name}" for name in names]
        for begin in range(0, len(sources), WATCH_AT_ONCE):
            batch = ",".join(sources[begin : begin + WATCH_AT_ONCE])
            await self.request(operations.SUBSCRIBE, applicationName=WATCH, eventSource=batch)

    async def run(self, reconcile: Reconcile, lost: Callable[[], Awaitable[None]]) -> None:
        """Receive events until cancelled, reconnecting whenever the connection is lost.

        `reconcile` is awaited after each connection, before any new event is dispatched, with those of Asterisk's
        channels that no event of this connection announces. `lost` is awaited after each loss.
        """
        failures = 0
        while True:
            try:
                async with self._connect() as socket:
                    log.info("ari.connected")
                    await self._serve(socket, reconcile)
            except (aiohttp.ClientError, AsteriskUnavailable, TimeoutError, OSError) as problem:
                if failures == 0:
                    log.warning("ari.unavailable", problem=str(problem))
            except AriRefused as problem:
                log.warning("ari.refused_at_connect", problem=str(problem))
            if self.connected.is_set():
                log.warning("ari.disconnected")
                self.connected.clear()
                failures = 0
                await lost()
            if failures == GIVE_UP_CALLS_AFTER:
                self._tell_lost(self.events.claimed)
            await asyncio.sleep(RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)])
            failures += 1

    def _connect(self) -> "aiohttp.client._WSRequestContextManager":
        assert self._session is not None, "the client is used outside its context"  # noqa: S101
        return self._session.ws_connect(
            self._base + "/events",
            params={"app": f"{APPLICATION},{WATCH}", "subscribeAll": "false"},
            heartbeat=20,
            max_msg_size=0,
            timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
        )

    async def _serve(self, socket: "aiohttp.ClientWebSocketResponse[bool]", reconcile: Reconcile) -> None:
        early: list[Event] = []
        reading = asyncio.create_task(self._read(socket, early))
        try:
            await self._reconcile(reconcile, early)
            self.connected.set()
            for event in early:
                self._dispatch(event)
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, socket: "aiohttp.ClientWebSocketResponse[bool]", early: list[Event]) -> None:
        """Dispatch the events of one connection; those before the reconciliation are only collected."""
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                body = json.loads(message.data)
                event = Event(body["type"], body)
                is_late = event.age_seconds > LATE_SECONDS
                self._late_at = asyncio.get_running_loop().time() if is_late else None
                if self.connected.is_set():
                    self._dispatch(event)
                else:
                    early.append(event)

    async def _reconcile(self, reconcile: Reconcile, early: Sequence[Event]) -> None:
        channels = await self.channels()
        for application, events in ((APPLICATION, CALL_EVENTS), (WATCH, (*ENDPOINT_EVENTS, TEXT_EVENT))):
            await self.request(
                operations.FILTER_EVENTS,
                applicationName=application,
                body={"allowed": [{"type": name} for name in events]},
            )
        self._tell_lost(self.events.claimed - {channel["id"] for channel in channels})
        for channel in channels:
            if channel["id"] in self.events.claimed:
                self.events.dispatch(Event(RECONNECTED, {"channel": channel}))
        announced = {event.body["channel"]["id"] for event in early if event.type == "StasisStart"}
        await reconcile([channel for channel in channels if channel["id"] not in announced])

    def _tell_lost(self, subjects: Iterable[str]) -> None:
        for subject in subjects:
            self.events.dispatch(Event("ChannelLost", {"channel": {"id": subject}}))

    def _dispatch(self, event: Event) -> None:
        """Deliver an event; an error about one call must not cost the others their connection."""
        try:
            self.events.dispatch(event)
        except Exception:
            log.exception("ari.event_not_handled", type=event.type)
