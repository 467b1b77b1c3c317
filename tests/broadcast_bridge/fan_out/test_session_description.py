"""Session descriptions that Asterisk sends, and those that nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast_bridge.fan_out.session_description import read, write

HEAD = "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"


def test_address_and_codec_are_read() -> None:
    found = read(HEAD + "m=audio 4000 RTP/AVP 101 8 0\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n")
    assert found is not None
    assert (found.address, found.codec, found.wants_sound) == (("10.0.0.9", 4000), "alaw", True)


def test_address_of_the_stream_wins_over_that_of_the_session() -> None:
    found = read(HEAD + "m=audio 4000 RTP/AVP 8\r\nc=IN IP4 10.0.0.7\r\nm=video 1 RTP/AVP 9\r\nc=IN IP4 10.0.0.8\r\n")
    assert found is not None
    assert found.address == ("10.0.0.7", 4000)


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
def test_held_call_wants_no_sound(direction: str) -> None:
    found = read(HEAD + f"m=audio 4000 RTP/AVP 8\r\na={direction}\r\n")
    assert found is not None
    assert not found.wants_sound


@pytest.mark.parametrize(
    "media",
    ["m=audio 0 RTP/AVP 8", "m=audio 70000 RTP/AVP 8", "m=audio 4000 RTP/SAVP 8", "m=video 4000 RTP/AVP 8", "m=audio"],
)
def test_stream_that_cannot_be_served_is_not_read(media: str) -> None:
    assert read(HEAD + media + "\r\n") is None


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    read(text)
    read(HEAD + text)


@given(st.sampled_from(["alaw", "ulaw", "g722"]), st.integers(1024, 65535))
def test_our_own_description_can_be_read(codec: str, port: int) -> None:
    found = read(write(("192.0.2.7", port), codec, 3))
    assert found is not None
    assert (found.address, found.codec) == (("192.0.2.7", port), codec)
