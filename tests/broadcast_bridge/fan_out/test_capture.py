"""Copies of SIP messages: how a re-INVITE that names the port of the fan-out has ended."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast_bridge.fan_out.capture import Agreements, Captured, read
from tests.broadcast_bridge.fan_out.re_invites import PORT, answer, invite

SECRET = b"secret"


def chunk(kind: int, value: bytes) -> bytes:
    return struct.pack("!HHH", 0, kind, 6 + len(value)) + value


def packet(message: bytes, call_id: bytes = b"c1", password: bytes = SECRET) -> bytes:
    chunks = chunk(0x0E, password) + chunk(0x0F, message) + chunk(0x11, call_id)
    return b"HEP3" + struct.pack("!H", 6 + len(chunks)) + chunks


@pytest.fixture
def agreements() -> Agreements:
    return Agreements(PORT)


def taken(agreements: Agreements, *messages: bytes, call_id: str = "c1") -> list[bool]:
    return [agreements.take(Captured(call_id, message)) for message in messages]


@pytest.mark.parametrize("status", [200, 488, 481])
def test_final_answer_to_the_re_invite_is_found(agreements: Agreements, status: int) -> None:
    assert taken(agreements, invite("a"), answer(100, "a"), answer(status, "a")) == [False, False, True]
    assert agreements.answer("c1") == status


def test_answer_to_another_request_is_none(agreements: Agreements) -> None:
    assert taken(agreements, invite("a"), answer(200, "b"), answer(200, "a", "OPTIONS")) == [False, False, False]
    assert taken(agreements, answer(200, "a"), call_id="c2") == [False]
    assert agreements.answer("c1") is None


def test_call_that_names_another_port_is_of_no_interest(agreements: Agreements) -> None:
    assert taken(agreements, invite("a", 4000), answer(200, "a")) == [False, False]


def test_next_re_invite_waits_for_its_own_answer(agreements: Agreements) -> None:
    taken(agreements, invite("a"), answer(200, "a"), invite("b"))
    assert agreements.answer("c1") is None


def test_copy_without_the_secret_is_ignored() -> None:
    assert read(packet(b"x"), SECRET) == Captured("c1", b"x")
    assert read(packet(b"x", password=b"guess"), SECRET) is None


@given(st.binary(max_size=100))
def test_no_datagram_makes_the_reader_fail(data: bytes) -> None:
    read(data, SECRET)
    read(b"HEP3" + struct.pack("!H", 6 + len(data)) + data, SECRET)


@given(st.binary(max_size=100))
def test_no_message_makes_the_reader_fail(message: bytes) -> None:
    taken(Agreements(PORT), invite("a"), message, b"INVITE " + message, b"SIP/2.0 " + message)
