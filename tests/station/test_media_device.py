"""The loudspeaker that tests judge by: it hears its own call and no other."""

import socket

from tests.station.media_device import LOOPBACK, MediaDevice
from tests.waiting import wait_until


def test_device_does_not_hear_what_was_sent_to_another_call() -> None:
    server, sound, stranger = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3))
    with server, sound, stranger:
        for one in (server, sound):
            one.bind((LOOPBACK, 0))
        server.settimeout(5)
        with MediaDevice("{}:{}".format(*server.getsockname()), "loa", "x") as device:
            _, there = server.recvfrom(65535)
            offer = f"v=0\r\nc=IN IP4 {LOOPBACK}\r\nm=audio {sound.getsockname()[1]} RTP/AVP 8\r\n"
            head = [
                "INVITE sip:loa SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1", "From: <sip:a>;tag=1", "To: <sip:loa>",
                "Call-ID: 1", "CSeq: 1 INVITE",
            ]  # fmt: skip
            server.sendto("\r\n".join([*head, "", offer]).encode(), there)
            answer = server.recv(65535).decode()
            port = int(answer.partition("m=audio ")[2].split()[0])
            for one, value in ((stranger, b"\x01\x02\x03\x04\x05"), (sound, b"\x11\x12\x13\x14\x15")):
                one.sendto(bytes(12) + value * 4, (LOOPBACK, port))
            wait_until(lambda: len(device.voiced) == 1, "its own call")
    assert device.voiced[0][1][0] == 0x11
    assert len(device.times) == 1
