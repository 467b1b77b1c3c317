"""Answers of Asterisk that break off, as when it is killed while it answers."""

import asyncio

import pytest

from haichieu.ari import operations
from haichieu.ari.client import AriClient
from haichieu.ari.errors import AsteriskUnavailable, NotConnected


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[]", b"no HTTP at all\r\n\r\n"],
)
async def test_an_answer_that_breaks_off_counts_as_unavailable(answer: bytes) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(break_off, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, AriClient("127.0.0.1", port, "secret", unclaimed=lambda event: None) as client:
        with pytest.raises(AsteriskUnavailable):
            await client.request(operations.LIST_CHANNELS)


async def test_a_text_whose_answer_is_lost_is_sent_once() -> None:
    """HTTP clients repeat a PUT when the connection ends without an answer, and a citizen would read it twice."""
    requests = []

    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(break_off, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, AriClient("127.0.0.1", port, "secret", unclaimed=lambda event: None) as client:
        with pytest.raises(AsteriskUnavailable) as raised:
            await client.request(operations.SEND_MESSAGE, body={"to": "pjsip:1", "from": "sip:2@x", "body": "xin"})
    assert not isinstance(raised.value, NotConnected)
    assert [request.split(b" ")[0] for request in requests] == [b"PUT"]
