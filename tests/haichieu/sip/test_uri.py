"""User parts of SIP and tel URIs, as carriers and gateways write them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haichieu.phone_numbers import normalise
from haichieu.sip.uri import user_of


@pytest.mark.parametrize(
    ("address", "user"),
    [
        ("sip:0912345678@gsm", "0912345678"),
        ("<sip:0912345678@gsm>;tag=a", "0912345678"),
        ('"Lan" <sip:0912345678@gsm:5060;transport=udp>;tag=a', "0912345678"),
        ("Lan <sip:0912345678@gsm>", "0912345678"),
        ("<SIP:0912345678@gsm>", "0912345678"),
        ("<SIPS:0912345678@gsm>", "0912345678"),
        ("<sip:84912345678;phone-context=+84@gw;user=phone>", "84912345678"),
        ("<sip:912345678;phone-context=+84@gw>", "+84912345678"),
        ("<sip:+84912345678;npdi=yes@gw>", "+84912345678"),
        ("<sip:%2B84912345678@gw>", "+84912345678"),
        ("<sip:0912345678:secret@gw>", "0912345678"),
        ("<tel:+84912345678>;tag=a", "+84912345678"),
        ("tel:+84-91-234-5678", "+84912345678"),
        ("<tel:0912345678;phone-context=+84>", "0912345678"),
        ("<tel:912345678;phone-context=+84>", "+84912345678"),
        ("<tel:0912345678;phone-context=ims.example>", "0912345678"),
        ("<TEL:+84912345678;ext=5>", "+84912345678"),
        ('"x <sip:0911111111@y>" <sip:may-la@h>', "may-la"),
        (r'"x \" <tel:0911111111>" <sip:may-la@h>', "may-la"),
        ('"<tel:+84911111111>" <sip:anonymous@anonymous.invalid>', "anonymous"),
        ("<sip:gsm:5060>", ""),
        ("sip:gsm", ""),
        ("<urn:service:sos>", ""),
        ('"sip:0911111111@x"', ""),
        ('"<sip:0911111111@x>"', ""),
        ("", ""),
    ],
)
def test_user_part_of_an_address(address: str, user: str) -> None:
    assert user_of(address) == user


@given(name=st.text(max_size=60), number=st.from_regex(r"0[35789][0-9]{8}", fullmatch=True))
def test_display_name_never_gives_the_number(name: str, number: str) -> None:
    quoted = re.sub(r'(["\\])', r"\\\1", name)
    assert user_of(f'"{quoted}" <tel:{number}>;tag=x') == number
    assert user_of(f'"{quoted}" <sip:{number}@gw;user=phone>') == number


@given(st.from_regex(r"[35789][0-9]{8}", fullmatch=True))
def test_every_form_of_a_sender_is_one_number(number: str) -> None:
    forms = (
        f"sip:0{number}@g", f"<sip:84{number}@g>", f"<sip:+84{number}@g;user=phone>", f"<tel:+84{number}>",
        f"<sip:{number};phone-context=+84@g>", f"<sip:84{number};phone-context=+84@g>", f"<SIP:%2b84{number}@g>",
    )  # fmt: skip
    assert {normalise(user_of(form)) for form in forms} == {normalise(f"0{number}")}


@given(st.text(max_size=80))
def test_any_header_has_a_user_part_or_none(header: str) -> None:
    assert user_of(header) == user_of(f" {header}")
