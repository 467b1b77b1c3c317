"""The list of authorities by which carriers are verified."""

import ssl
from pathlib import Path

import pytest

from dialplans.carrier_certificates import authorities, authorities_file
from dialplans.configuration import write_authorities
from haichieu.settings import load_settings
from tests.builders.certificates import authority

SYSTEM = "dialplans.carrier_certificates._LISTS"


def known(text: str) -> set[bytes]:
    """The certificates of a list."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=text)
    return set(context.get_ca_certs(binary_form=True))


@pytest.fixture(autouse=True)
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's list, which has nothing yet."""
    file = tmp_path / "system.pem"
    monkeypatch.setattr(SYSTEM, (str(file),))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    return file


def test_authorities_of_the_system_and_of_trunks_are_trusted(tmp_path: Path, system: Path) -> None:
    settings = load_settings(home=tmp_path / "home")
    write_authorities(settings, [authority(), authority()])
    assert known(authorities_file(settings.home).read_text()) == known(authority())
    system.write_text(authority())
    assert known(authorities(settings)) == known(authority())


def test_list_is_never_empty_or_the_station_would_have_no_tls(tmp_path: Path) -> None:
    assert len(known(authorities(load_settings(home=tmp_path / "home")))) == 1
