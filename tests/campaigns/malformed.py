"""SIP messages that no parser should see: templates with one thing wrong, and random damage to a right one."""

import random

from tests.campaigns.sip_attacker import Sender, SipAttacker, session_description

_DAMAGED = (
    b"",
    b"\r\n\r\n",
    b"\x00" * 64,
    b"\x00\x01\x00\x00\x21\x12\xa4\x42" + b"\x00" * 12,  # STUN
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"INVITE\r\n\r\n",
    b"SIP/2.0 200 OK\r\n\r\n",
    b"INVITE sip:1900@x SIP/9.9\r\nContent-Length: -1\r\n\r\n",
)
_SWAPS = (
    (b"Content-Length: ", b"Content-Length: 99999"),
    (b"Content-Length: ", b"Content-Length: -"),
    (b"CSeq: 1 ", b"CSeq: 99999999999999999999 "),
    (b"CSeq: 1 INVITE", b"CSeq: 1 BYE"),
    (b"Max-Forwards: 70", b"Max-Forwards: 0"),
    (b"Max-Forwards: 70", b"Max-Forwards: -1\r\nMax-Forwards: 256"),
    (b"SIP/2.0/UDP", b"SIP/2.0/SCTP"),
    (b"branch=z9hG4bK", b"branch="),
    (b";tag=", b";tag=%00%ff;tag="),
    (b"<sip:", b"<tel:"),
    (b"<sip:", b'"' + b"\\" * 50 + b'" <sip:'),
    (b"<sip:", b"<sip:" + b"a" * 3000),
    (b"m=audio ", b"m=audio 99999999 "),
    (b"m=audio ", b"m=audio 0 RTP/AVP 0\r\n" * 60 + b"m=audio "),
    (b"c=IN IP4 ", b"c=IN IP4 255.255.255.255\r\nc=IN IP6 "),
    (b"a=rtpmap:", b"a=rtpmap:999999 "),
    (b"\r\n", b"\n"),
    (b"Via: ", b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n" * 80 + b"Via: "),
    (b"Contact: ", b"Contact: <sip:x>\r\n" * 80 + b"Contact: "),
    (b"Contact: ", b"Require: 100rel, replaces, unknown\r\nContact: "),
    (b"Contact: ", b'Authorization: Digest username="cb-1", realm="haichieu", nonce="", response=""\r\nContact: '),
    (b"Contact: ", b"Route: <sip:1900@192.0.2.1;lr>\r\nRecord-Route: <sip:x;lr>\r\nContact: "),
)


def malformed(chance: random.Random, sip: SipAttacker, server: str) -> bytes:
    """Return one such message."""
    if chance.random() < 0.1:
        return chance.choice(_DAMAGED)
    method = chance.choice(["INVITE", "REGISTER", "OPTIONS", "MESSAGE", "BYE", "CANCEL", "ACK", "PRACK", "XYZ"])
    uri = f"sip:{chance.choice(['1900', 'cb-1', '', '%00', '..'])}@{server}"
    offer = session_description(sip.bind, 9) if method == "INVITE" else ""
    more = ("Content-Type: application/sdp",) if offer else ()
    call_id = f"{chance.getrandbits(64):x}"
    sender = Sender(chance.choice(["cb-1", "x"]))
    message = sip.message(method, uri, f"<{uri}>", sender, call_id, 1, f"z9hG4bK{call_id}", more, offer)
    for _ in range(chance.randint(1, 3)):
        found, put = chance.choice(_SWAPS)
        message = message.replace(found, put, 1 if chance.random() < 0.7 else -1)
    if chance.random() < 0.3:
        damaged = bytearray(message)
        for _ in range(chance.randint(1, 20)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        message = bytes(damaged[: chance.randint(1, len(damaged))])
    return message[:60_000]
