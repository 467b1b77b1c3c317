"""A loudspeaker whose registration nobody answers: over TLS the request may be lost while Asterisk starts."""

import asyncio
import ssl
from pathlib import Path

from broadcast_bridge.loudspeaker import speaker
from haichieu.demo.soft_speaker import SoftSpeaker
from haichieu.settings import load_settings
from haichieu.sip.certificate import certificate_facts, certificate_files

PASSED_ON = ("Via", "From", "To", "Call-ID", "CSeq", "Contact")


def answer_to(request: str) -> str:
    """Return the answer of a registrar that accepts everything."""
    lines = [line for line in request.split("\r\n") if line.partition(":")[0] in PASSED_ON]
    return "\r\n".join(["SIP/2.0 200 OK", *lines, "Expires: 60", "Content-Length: 0", "", ""])


async def test_lost_registration_is_repeated_on_a_new_connection(tmp_path: Path) -> None:
    settings, connections = load_settings(home=tmp_path, bind="127.0.0.1"), 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        is_deaf = connections == 1  # as Asterisk is until it has started completely
        while request := await reader.read(10_000):
            if not is_deaf:
                writer.write(answer_to(request.decode()).encode())

    encryption = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    encryption.load_cert_chain(certificate_files(settings).certificate)
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=encryption) as server:
        device = SoftSpeaker(
            server=f"127.0.0.1:{server.sockets[0].getsockname()[1]}", id="cl-1", password="x", bind="127.0.0.1",
            record=tmp_path / "heard.wav", fingerprint=certificate_facts(settings).fingerprint,
        )  # fmt: skip
        async with device:
            await device.registered(25)  # without a new connection, after 32 s
    assert connections == 2


def test_patience_grows_with_every_registration_in_vain() -> None:
    assert list(speaker.ANSWER_SECONDS) == sorted(speaker.ANSWER_SECONDS)
    assert speaker.ANSWER_SECONDS[-1] > 32
