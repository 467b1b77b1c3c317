"""Devices as the events of their registrations describe them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haichieu.sip.models import Phone
from haichieu.sip.registered_device import ContactNews, ContactStatus

ADDRESSES = st.ip_addresses(v=4).map(str)
PORTS = st.integers(1, 65535)


def news(status: str, uri: str = "sip:cb-1@127.0.0.1:5060") -> ContactNews:
    return ContactNews("cb-1", status, uri)


def device() -> Phone:
    return Phone(nat_seen=False)


@given(ADDRESSES, ADDRESSES, PORTS, PORTS)
def test_nat_is_a_numeric_address_other_than_the_source(seen: str, own: str, port: int, own_port: int) -> None:
    uri = f"sip:cb-1@{seen}:{port};transport=UDP;x-ast-orig-host={own}:{own_port}"
    assert news(ContactStatus.NEW, uri).is_behind_nat is (seen != own)


@given(st.text(max_size=60))
def test_no_contact_breaks_the_detection(uri: str) -> None:
    assert news(ContactStatus.NEW, uri).is_behind_nat in (True, False)


@pytest.mark.parametrize(
    "uri",
    [
        "sip:cb-1@192.0.2.7:5060",
        "sip:cb-1@192.0.2.7:40000;x-ast-orig-host=192.0.2.7:5060",
        "sip:cb-1@192.0.2.7:5060;x-ast-orig-host=loa-co-ba.local:5060",
        "sip:192.0.2.7",
        "",
    ],
)
def test_port_or_name_of_its_own_is_no_nat(uri: str) -> None:
    assert not news(ContactStatus.NEW, uri).is_behind_nat


def test_setting_overrides_what_the_registration_says() -> None:
    far = device()
    assert far.note(news(ContactStatus.NEW, "sip:cb-1@192.0.2.7:4000;x-ast-orig-host=10.0.0.2:5060"))
    assert far.sends_from_elsewhere
    far.behind_nat = False
    assert not far.sends_from_elsewhere
    far.behind_nat, far.nat_seen = True, False
    assert far.sends_from_elsewhere


def test_device_that_ignores_options_is_asked_again_when_it_registers() -> None:
    mute = device()
    assert mute.is_asked
    assert mute.note(news(ContactStatus.NEW)) is False
    assert mute.note(news(ContactStatus.UNREACHABLE)) is True
    assert not mute.is_asked
    assert mute.note(news(ContactStatus.NEW)) is False
    assert mute.note(news(ContactStatus.REMOVED)) is True
    assert mute.is_asked


def test_device_that_has_answered_once_stays_asked() -> None:
    usual = device()
    usual.note(news(ContactStatus.REACHABLE))
    assert usual.note(news(ContactStatus.UNREACHABLE)) is False
    assert usual.is_asked
