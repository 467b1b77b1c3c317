"""The SIP endpoint of the fan-out: it serves its own Asterisk, and nobody else."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast_bridge.fan_out.session_description import Address, Description, write
from broadcast_bridge.fan_out.sip_endpoint import SipEndpoint

ASTERISK, STRANGER = ("127.0.0.1", 5060), ("127.0.0.1", 40000)
KEY = "0123456789abcdef"


@dataclass
class NotedCalls:
    offers: list[Address] = field(default_factory=list)
    over: list[str] = field(default_factory=list)

    def is_expected(self, key: str) -> bool:
        return key == KEY

    def offered(self, key: str, description: Description) -> str | None:
        if description.codec is None:
            return None
        self.offers.append(description.address)
        return description.codec

    def ended(self, key: str) -> None:
        self.over.append(key)


def request(method: str, number: int = 1, *, key: str = KEY, tag: str = "", body: str = "", branch: str = "") -> bytes:
    lines = [
        f"{method} sip:{key}@127.0.0.1:5070 SIP/2.0",
        f"Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK{branch or f'{method}{number}'}",
        "From: <sip:a@127.0.0.1>;tag=1",
        f"To: <sip:{key}@127.0.0.1>" + (f";tag={tag}" if tag else ""),
        "Call-ID: one",
        f"CSeq: {number} {method}",
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join([*lines, "", ""]) + body).encode()


def offer(port: int, codec: str = "alaw") -> str:
    return write(("127.0.0.1", port), codec, 1)


@pytest.fixture
def calls() -> NotedCalls:
    return NotedCalls()


@pytest.fixture
def endpoint(calls: NotedCalls) -> SipEndpoint:
    return SipEndpoint(calls, ("127.0.0.1", 20998), ("127.0.0.1", 5070), lambda address: address == ASTERISK)


def status(response: bytes | None) -> int:
    assert response is not None
    return int(response.split(b" ")[1])


def tag_of(response: bytes | None) -> str:
    assert response is not None
    return response.decode().split("To: ")[1].split("\r\n")[0].partition(";tag=")[2]


def test_call_that_is_expected_is_answered_with_our_address(endpoint: SipEndpoint, calls: NotedCalls) -> None:
    response = endpoint.answer(request("INVITE", body=offer(4000)), ASTERISK)
    assert status(response) == 200
    assert b"m=audio 20998 RTP/AVP 8" in (response or b"")
    assert calls.offers == [("127.0.0.1", 4000)]


def test_call_of_a_stranger_gets_no_answer(endpoint: SipEndpoint, calls: NotedCalls) -> None:
    assert endpoint.answer(request("INVITE", body=offer(4000)), STRANGER) is None
    assert calls.offers == []


def test_call_without_the_secret_is_refused(endpoint: SipEndpoint, calls: NotedCalls) -> None:
    assert status(endpoint.answer(request("INVITE", key="guess", body=offer(4000)), ASTERISK)) == 404
    assert calls.offers == []


def test_new_address_comes_with_a_re_invite_in_the_same_call(endpoint: SipEndpoint, calls: NotedCalls) -> None:
    tag = tag_of(endpoint.answer(request("INVITE", body=offer(4000)), ASTERISK))
    again = endpoint.answer(request("INVITE", 2, tag=tag, body=offer(5000)), ASTERISK)
    assert (status(again), tag_of(again)) == (200, tag)
    assert calls.offers == [("127.0.0.1", 4000), ("127.0.0.1", 5000)]


def test_repeated_request_gets_the_same_answer_and_has_no_effect(endpoint: SipEndpoint, calls: NotedCalls) -> None:
    invite = request("INVITE", body=offer(4000))
    assert endpoint.answer(invite, ASTERISK) == endpoint.answer(invite, ASTERISK)
    assert len(calls.offers) == 1


def test_end_of_a_call_is_noted_once(endpoint: SipEndpoint, calls: NotedCalls) -> None:
    tag = tag_of(endpoint.answer(request("INVITE", body=offer(4000)), ASTERISK))
    assert status(endpoint.answer(request("BYE", 2, tag=tag), ASTERISK)) == 200
    assert status(endpoint.answer(request("BYE", 3, tag=tag), ASTERISK)) == 481
    assert calls.over == [KEY]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (request("INVITE", tag="x", body=offer(4000)), 481),
        (request("INVITE", body="v=0\r\n"), 488),
        (request("CANCEL"), 481),
        (request("OPTIONS"), 200),
        (request("REFER"), 405),
    ],
)
def test_other_requests_are_answered_as_rfc_3261_has_it(endpoint: SipEndpoint, message: bytes, expected: int) -> None:
    assert status(endpoint.answer(message, ASTERISK)) == expected


def test_ack_gets_no_answer(endpoint: SipEndpoint) -> None:
    assert endpoint.answer(request("ACK"), ASTERISK) is None


@given(st.binary(max_size=300))
def test_no_datagram_makes_the_endpoint_fail(data: bytes) -> None:
    endpoint = SipEndpoint(NotedCalls(), ("127.0.0.1", 2), ("127.0.0.1", 1), lambda _: True)
    endpoint.answer(data, ASTERISK)
    endpoint.answer(request("INVITE", body=data.decode("latin-1")), ASTERISK)
