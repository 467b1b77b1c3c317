"""User part of SIP and tel URIs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haichieu.sip.endpoint_events import user_of

NUMBERS = st.from_regex(r"\+?[0-9]{3,15}", fullmatch=True)
NAMES = st.text(st.characters(exclude_characters='"\\\r\n'), max_size=30)
PARAMETERS = st.sampled_from(["", ";phone-context=+84", ";phone-context=ims.example.vn;isub=1", ";user=phone"])


@pytest.mark.parametrize(
    ("uri", "user"),
    [
        ("<tel:+84912345678>", "+84912345678"),
        ("tel:+84-912.345(678);phone-context=+84", "+84912345678"),
        ("sip:84912345678;phone-context=+84@gw", "84912345678"),
        ("SIP:84912345678@gw", "84912345678"),
        ("sips:0912345678:secret@gw", "0912345678"),
        ("sip:%2B84912345678@gw", "+84912345678"),
        ('"sip:113@x" <sip:gw.example.vn>', ""),
        ('"a <sip:113@x>" <sip:0912345678@gw>;tag=1', "0912345678"),
        ("sip:gw?To=sip:113@x", ""),
        ("", ""),
    ],
)
def test_user_is_the_number_and_nothing_else(uri: str, user: str) -> None:
    assert user_of(uri) == user


@given(name=NAMES, number=NUMBERS, parameters=PARAMETERS)
def test_display_name_and_parameters_never_change_the_user(name: str, number: str, parameters: str) -> None:
    assert user_of(f'"{name}" <sip:{number}{parameters}@gw.example.vn>;tag=a') == number
    assert user_of(f'"{name}" <tel:{number}{parameters}>') == number
