"""Carriers in a district file."""

import pytest
from pydantic import ValidationError

from haichieu.district.schema import TrunkTable
from haichieu.pydantic_messages import message_of_detail
from tests.builders.certificates import authority


def test_carrier_needs_its_host_only() -> None:
    entry = TrunkTable.model_validate({"id": "carrier", "host": "sip.example.vn"})
    assert (entry.port, entry.transport, entry.hosts, entry.proxy, entry.caller_number) == (None, "udp", [], None, None)


@pytest.mark.parametrize("host", ["sbc2.example.vn", "203.0.113.9", "203.0.113.9:5080", "203.0.113.32/28"])
def test_further_addresses_may_have_ports_and_networks(host: str) -> None:
    assert TrunkTable.model_validate({"id": "carrier", "host": "a.vn", "hosts": [host]}).hosts == [host]


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"hosts": ["203.0.113.33/28"]}, "district.value.network"),
        ({"hosts": ["a.vn,b.vn"]}, "district.value.host_and_port"),
        ({"hosts": ["a.vn;transport=tcp"]}, "district.value.host_and_port"),
        ({"proxy": "sip:a.vn"}, "district.value.host_and_port"),
        ({"proxy": "10.0.0.0/8"}, "district.value.host_and_port"),
        ({"domain": "a.vn>"}, "district.value.host"),
        ({"caller_number": "0206 x388"}, "district.value.dialled"),
        ({"ca_certificate": "/etc/ssl/ca.pem"}, "district.value.certificates"),
        (
            {"ca_certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
            "district.value.certificates",
        ),
    ],
)
def test_mistake_in_a_carrier_says_what_to_write(wrong: dict[str, object], key: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        TrunkTable.model_validate({"id": "carrier", "host": "a.vn", **wrong})
    assert [message_of_detail(error).key for error in refusal.value.errors()] == [key]


def test_certificates_of_authorities_are_taken_with_their_lines() -> None:
    typed = f"\r\n{authority()}\n{authority()}"
    entry = TrunkTable.model_validate({"id": "carrier", "host": "a.vn", "ca_certificate": typed})
    assert entry.ca_certificate == typed.strip()


@pytest.mark.parametrize("network", ["0.0.0.0/0", "203.0.0.0/8"])
def test_network_of_half_the_internet_is_no_carrier(network: str) -> None:
    with pytest.raises(ValidationError):
        TrunkTable.model_validate({"id": "carrier", "host": "a.vn", "hosts": [network]})
