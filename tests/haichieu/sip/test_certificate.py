"""The certificate of SIP over TLS: made once, or taken from the settings; and how devices recognise it."""

import datetime
import json
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from haichieu.cli.status import run_status
from haichieu.database import migrate, now
from haichieu.errors import SettingsError
from haichieu.settings import load_settings
from haichieu.sip.certificate import CertificateNotUsable, certificate_facts, certificate_files
from haichieu.sip.server_trust import BadTrust, ServerTrust, fingerprint_of_pem

FINGERPRINT = ":".join(["AB"] * 32)


def test_certificate_is_made_once_and_only_the_station_may_read_its_key(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, bind="192.0.2.7", external_address="loa.example.vn")
    facts, files = certificate_facts(settings), certificate_files(settings)
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    assert certificate_facts(settings) == facts
    assert fingerprint_of_pem(files.certificate.read_text().partition("KEY-----\n")[2].partition("KEY-----\n")[2]) == (
        facts.fingerprint
    )
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "loa.example.vn" in names.get_values_for_type(x509.DNSName)
    assert "192.0.2.7" in map(str, names.get_values_for_type(x509.IPAddress))


def shakes_hands(server: Path, trusted: str) -> bool:
    """Return whether a client that trusts these certificates (PEM) accepts that of a server, in memory."""
    ours, theirs = ssl.create_default_context(cadata=trusted), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.check_hostname = False
    theirs.load_cert_chain(server)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(to_client, to_server)
    sides = (client, theirs.wrap_bio(to_server, to_client, server_side=True))
    for _ in range(6):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return client.cipher() is not None


def test_client_that_trusts_several_stations_recognises_each(tmp_path: Path) -> None:
    files = [certificate_files(load_settings(home=tmp_path / name)).certificate for name in ("one", "two", "three")]
    trusted = "".join(file.read_text() for file in files[:2])
    assert [shakes_hands(file, trusted) for file in files] == [True, True, False]


def test_renewal_is_due_a_month_before_the_end(tmp_path: Path) -> None:
    facts = certificate_facts(load_settings(home=tmp_path))
    assert not facts.ends_soon(now())
    assert facts.ends_soon(facts.valid_until - datetime.timedelta(days=29))


def test_certificate_of_the_settings_is_used(tmp_path: Path) -> None:
    other = load_settings(home=tmp_path / "other")
    file = certificate_files(other).certificate
    settings = load_settings(home=tmp_path / "home", sip_tls_certificate=file, sip_tls_key=file)
    assert certificate_facts(settings) == certificate_facts(other)
    assert not (tmp_path / "home").exists()


def test_unusable_certificate_names_its_file(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    settings = load_settings(home=tmp_path, sip_tls_certificate=file, sip_tls_key=file)
    with pytest.raises(CertificateNotUsable, match=r"certificate\.pem"):
        certificate_files(settings)
    file.write_text("no certificate")
    with pytest.raises(CertificateNotUsable, match=r"certificate\.pem"):
        certificate_facts(settings)


def test_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="sip_tls_key"):
        load_settings(home=tmp_path, sip_tls_certificate=tmp_path / "certificate.pem")


@pytest.mark.parametrize("typed", [FINGERPRINT, FINGERPRINT.lower(), "ab" * 32, "AB AB" + " ab" * 30])
def test_fingerprint_is_taken_as_devices_write_it(typed: str) -> None:
    trust = ServerTrust.of(typed, None)
    assert trust.accepts(FINGERPRINT)
    assert not trust.accepts(FINGERPRINT.replace("AB", "AC", 1))
    assert not trust.accepts("")


@pytest.mark.parametrize(
    ("fingerprint", "authorities"),
    [("", None), ("AB" * 31, None), ("XY" * 32, None), ("AB" * 32, Path("ca.pem")), ("", Path("/no/such/ca.pem"))],
)
def test_trust_without_a_proof_is_refused(fingerprint: str, authorities: Path | None) -> None:
    with pytest.raises(BadTrust):
        ServerTrust.of(fingerprint, authorities)


def test_status_shows_the_fingerprint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load_settings(home=tmp_path)
    migrate(settings.resolved_database_url)
    run_status(settings, as_json=False, component=None)
    assert certificate_facts(settings).fingerprint in capsys.readouterr().out
    run_status(settings, as_json=True, component=None)
    assert json.loads(capsys.readouterr().out)["sip_tls"]["fingerprint"] == certificate_facts(settings).fingerprint
