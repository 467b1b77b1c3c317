import base64
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from broadcast_bridge.alerts.authenticity import (
    DSIG,
    DetachedSignature,
    EnvelopedSignature,
    FetchedFrom,
    Proof,
    SharedSecret,
)
from broadcast_bridge.alerts.cap import NAMESPACE
from broadcast_bridge.alerts.cap_reader import parse_alert
from broadcast_bridge.alerts.decisions import receive
from broadcast_bridge.alerts.errors import AlertForged, AlertRefused
from broadcast_bridge.alerts.models import AlertSource, CapAlert, DecisionKind
from broadcast_bridge.alerts.sources import SourceWrong
from haichieu.alarms import AlarmKind, open_alarms
from haichieu.audit import AuditEntry
from haichieu.database import Database
from tests.broadcast_bridge.alerts.messages import (
    NOW,
    SECRET,
    SENDER,
    VAULT,
    Signer,
    alert,
    beside,
    ed25519_pair,
    info,
    minutes,
    place,
    source,
    with_secret,
)
from tests.examples import examples

SIGNER = Signer()
SIGNED = SIGNER.sign(alert())
STRANGER = Signer()
SIGNATURE = f"{{{DSIG}}}Signature"


def trusting(signer: Signer = SIGNER) -> AlertSource:
    return AlertSource(code="kttv", senders=[SENDER], certificate=signer.certificate, secret_locked="", public_key="")


def proven(document: bytes, signer: Signer = SIGNER) -> bytes:
    return EnvelopedSignature().proven(trusting(signer), document, NOW)


def wrapped(*, genuine_inside: bool) -> bytes:
    """A forged alert that carries the genuine, signed one in the only place where the schema lets anything in."""
    forged = etree.fromstring(alert(infos=info(headline="Hãy mở cửa đập")))
    genuine = etree.fromstring(SIGNED)
    signature = genuine.find(SIGNATURE)
    assert signature is not None
    forged.append(signature)
    if genuine_inside:
        holder = etree.SubElement(signature, f"{{{DSIG}}}Object")
        holder.append(genuine)
    return etree.tostring(forged)


def test_a_signed_alert_is_proven_whole() -> None:
    assert parse_alert(proven(SIGNED)) == parse_alert(alert())


def test_what_is_proven_has_no_comments_that_could_cut_a_sentence_in_two() -> None:
    document = SIGNED.replace("Bà con hãy".encode(), "Bà con <!-- không -->hãy".encode())
    assert "Bà con hãy lên" in parse_alert(proven(document)).infos[0].instruction


@pytest.mark.parametrize(
    ("said", "instead"),
    [("Bà con hãy lên nơi cao ngay.", "Bà con hãy ở nhà."), (">Actual<", ">Exercise<"), ("01285", "01290")],
)
def test_an_altered_word_breaks_the_signature(said: str, instead: str) -> None:
    with pytest.raises(AlertForged):
        proven(SIGNED.replace(said.encode(), instead.encode()))


@pytest.mark.parametrize(
    "document",
    [
        alert(),
        STRANGER.sign(alert()),
        wrapped(genuine_inside=False),
        wrapped(genuine_inside=True),
        SIGNED.replace(b'URI=""', b'URI="#part"'),
        SIGNED.replace(b'URI=""', b""),
        SIGNED.replace(b"enveloped-signature", b"base64"),
        SIGNED.replace(b"ecdsa-sha256", b"hmac-sha256"),
        SIGNED.replace(b"xmldsig-more#ecdsa-sha256", b"nothing"),
        SIGNED.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>AAAA"),
        SIGNED.replace(b"</alert>", SIGNED[SIGNED.index(b"<ds:Signature") : SIGNED.index(b"</alert>")] + b"</alert>"),
    ],
    ids=[
        *("unsigned", "a stranger's key", "signature moved", "genuine wrapped", "part signed", "no object"),
        *("transform", "hmac by public key", "no algorithm", "longer value", "two signatures"),
    ],
)
def test_a_forged_signature_is_refused(document: bytes) -> None:
    with pytest.raises(AlertForged):
        proven(document)


def test_a_signature_is_checked_with_our_certificate_not_the_senders() -> None:
    with pytest.raises(AlertForged):
        proven(STRANGER.sign(alert()), SIGNER)


def test_a_signature_is_not_believed_after_the_certificate_has_run_out() -> None:
    with pytest.raises(AlertForged):
        EnvelopedSignature().proven(trusting(), SIGNED, minutes(1001))


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(0, len(SIGNED) - 1), st.integers(0, 255))
def test_any_changed_byte_gives_the_same_alert_or_a_refusal(at: int, value: int) -> None:
    document = SIGNED[:at] + bytes([value]) + SIGNED[at + 1 :]
    try:
        found = parse_alert(proven(document))
    except AlertRefused:
        return
    assert found == parse_alert(alert())


def test_the_shared_secret_proves_the_bytes_as_they_are() -> None:
    who = AlertSource(code="x", secret_locked=VAULT.lock(SECRET))
    assert with_secret(alert()).proven(who, alert(), NOW) == alert()
    for proof in (with_secret(alert("khác")), with_secret(alert(), "sai khóa"), SharedSecret("", VAULT)):
        with pytest.raises(AlertForged):
            proof.proven(who, alert(), NOW)
    with pytest.raises(AlertForged):
        SharedSecret("é" * 64, VAULT).proven(who, alert(), NOW)


def test_a_source_without_a_secret_is_not_believed_by_an_empty_one() -> None:
    with pytest.raises(AlertForged):
        with_secret(alert(), "").proven(AlertSource(code="x", secret_locked=""), alert(), NOW)


def test_a_detached_signature_proves_the_bytes_as_they_are() -> None:
    key, public = ed25519_pair()
    who = AlertSource(code="x", public_key=public)
    assert DetachedSignature(beside(key, alert())).proven(who, alert(), NOW) == alert()
    other, _ = ed25519_pair()
    for signature in (beside(other, alert()), beside(key, alert("khác")), "", "không", base64.b64encode(b"x").decode()):
        with pytest.raises(AlertForged):
            DetachedSignature(signature).proven(who, alert(), NOW)
    with pytest.raises(AlertForged):
        DetachedSignature(beside(key, alert())).proven(AlertSource(code="x", public_key=""), alert(), NOW)


@pytest.mark.parametrize(
    ("feed", "url", "signs", "believed"),
    [
        ("https://a.example/feed", "https://a.example/1.xml", False, True),
        ("https://a.example/feed", "https://b.example/1.xml", False, False),
        ("https://a.example/feed", "https://a.example:444/1.xml", False, False),
        ("https://a.example/feed", "http://a.example/1.xml", False, False),
        ("http://a.example/feed", "http://a.example/1.xml", False, False),
        ("", "https://a.example/1.xml", False, False),
        ("https://a.example/feed", "https://a.example/1.xml", True, False),
    ],
)
def test_an_https_feed_is_trusted_for_its_own_host_unless_it_signs(
    feed: str, url: str, signs: bool, believed: bool
) -> None:
    who = AlertSource(code="x", feed_url=feed, certificate=SIGNER.certificate if signs else "")
    if believed:
        assert FetchedFrom(url).proven(who, alert(), NOW) == alert()
    else:
        with pytest.raises(AlertForged):
            FetchedFrom(url).proven(who, alert(), NOW)


@pytest.mark.parametrize(
    ("document", "proof"),
    [
        (alert(), with_secret(alert("khác"))),
        (alert(sender="ai@do.example"), with_secret(alert(sender="ai@do.example"))),
    ],
    ids=["wrong HMAC", "somebody else's name"],
)
def test_a_forged_alert_leaves_a_trace_and_an_alarm_and_nothing_else(
    database: Database, document: bytes, proof: Proof
) -> None:
    with database.session() as session:
        place(session)
        decision = receive(session, source(session), document, proof, NOW)
        assert (decision.kind, decision.alert) == (DecisionKind.REFUSE, None)
        assert isinstance(decision.refusal, AlertForged)
    with database.session() as session:
        assert session.scalars(sa.select(CapAlert)).all() == []
        assert [alarm.kind for alarm in open_alarms(session)] == [AlarmKind.ALERT_FORGED]
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "alert.refused")).one()
        assert entry.actor == "unproven:kttv"


def test_a_forgery_does_not_keep_the_genuine_alert_of_its_name_out(database: Database) -> None:
    with database.session() as session:
        place(session)
        who = source(session)
        receive(session, who, alert(infos=info(headline="Giả")), with_secret(alert()), NOW)
        assert receive(session, who, alert(), with_secret(alert()), NOW).kind == DecisionKind.AIR


def test_a_signed_alert_that_is_sent_again_is_a_duplicate(database: Database) -> None:
    with database.session() as session:
        place(session)
        who = source(session, secret="", certificate=SIGNER.certificate)
        first = receive(session, who, SIGNED, EnvelopedSignature(), NOW)
        assert first.kind == DecisionKind.AIR
        assert first.alert is not None
        assert "Signature" not in first.alert.document
        assert f'xmlns="{NAMESPACE}"' in first.alert.document
        assert receive(session, who, SIGNED, EnvelopedSignature(), minutes(1)).kind == DecisionKind.DUPLICATE


def test_a_source_that_could_not_be_trusted_is_not_configured(database: Database) -> None:
    mistakes: list[dict[str, Any]] = [
        {"senders": ["*"]},
        {"senders": []},
        {"secret": "ngắn"},
        {"secret": ""},
        {"certificate": "không phải"},
        {"public_key": SIGNER.certificate},
        {"feed_url": "ftp://a.example/"},
        {"feed_url": "http://a.example/"},
        {"feed_url": "https://user:pw@a.example/"},
        {"feed_url": "https://a.example/", "feed_seconds": 1},
    ]
    with database.session() as session:
        for wrong in mistakes:
            with pytest.raises(SourceWrong):
                source(session, **wrong)
        assert session.scalars(sa.select(AlertSource)).all() == []
