import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from broadcast_bridge.alerts.cap import NAMESPACE, NamedValue, Reference, Status
from broadcast_bridge.alerts.cap_reader import parse_alert
from broadcast_bridge.alerts.errors import (
    AlertRefused,
    AlertTooLarge,
    ElementWrong,
    ForbiddenXml,
    NotCap,
    NotReadable,
)
from broadcast_bridge.alerts.geometry import Circle, Point
from haichieu.locale import render
from tests.broadcast_bridge.alerts.messages import NOW, SENDER, alert, area, info, minutes, reference
from tests.examples import examples

SQUARE = "22.9,105.6 22.9,105.8 23.1,105.8 23.1,105.6 22.9,105.6"
INSIDE = f"<polygon>{SQUARE}</polygon><circle>22.95,105.67 3.5</circle>"


def refusal_of(document: bytes) -> AlertRefused | None:
    try:
        parse_alert(document)
    except AlertRefused as refusal:
        return refusal
    return None


def test_an_alert_is_read_with_all_its_parts() -> None:
    both = info(areas=area(inside=INSIDE)) + info("en-US", event="Flash flood", effective=minutes(5))
    found = parse_alert(alert(kind="Update", references=f"{reference('a')} {reference('b')}", infos=both))
    assert (found.identifier, found.sender, found.sent, found.status) == ("CB-2026-001", SENDER, NOW, Status.ACTUAL)
    assert found.references == (Reference(SENDER, "a", NOW), Reference(SENDER, "b", NOW))
    vietnamese, english = found.infos
    assert (vietnamese.language, vietnamese.headline) == ("vi", "Lũ quét trên sông Gâm")
    assert (english.event, english.effective, english.expires) == ("Flash flood", minutes(5), minutes(120))
    (place,) = vietnamese.areas
    assert place.geocodes == (NamedValue("VN-DVHC", "01285"),)
    assert place.circles == (Circle(Point(22.95, 105.67), 3.5),)
    assert len(place.polygons[0]) == 5


def test_a_byte_order_mark_does_no_harm() -> None:
    assert parse_alert(b"\xef\xbb\xbf" + alert()) == parse_alert(alert())


def test_a_comment_does_not_cut_a_sentence() -> None:
    found = parse_alert(alert(infos=info(headline="Đừng|đi")).replace(b"|", b" <!-- x --><?y z?>"))
    assert found.infos[0].headline == "Đừng đi"


def test_cdata_is_text() -> None:
    document = alert(infos=info(headline="|")).replace(b"|", "<![CDATA[Lũ <1 m & đang lên]]>".encode())
    assert parse_alert(document).infos[0].headline == "Lũ <1 m & đang lên"


BILLION = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'


@pytest.mark.parametrize(
    "document",
    [
        alert().replace(b"<alert", BILLION + b"<alert").replace("Lũ quét trên".encode(), b"&c;"),
        alert().replace(b"<alert", b'<!DOCTYPE alert SYSTEM "file:///etc/passwd"><alert'),
        alert().replace(b"<alert", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><alert'),
        alert().replace(b"<alert", b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x">%x;]><alert'),
        alert().replace(b"<alert", b"<!DOCTYPE a><alert").decode().encode("utf-16"),
        alert().replace(b"UTF-8", b"UTF-7").replace(b"<alert", "<!DOCTYPE a><alert".encode("utf-7")),
        "Cô Ba".encode("cp1258"),
    ],
    ids=["billion laughs", "external DTD", "file", "parameter entity", "UTF-16", "UTF-7", "cp1258"],
)
def test_xml_that_attackers_need_is_refused(document: bytes) -> None:
    with pytest.raises(NotReadable):
        parse_alert(document)


@pytest.mark.parametrize("document", [b"", b"<", b"<alert>", b"\x00", b"<alert/><alert/>", alert()[:-20], b"<a>" * 300])
def test_what_is_no_xml_is_refused(document: bytes) -> None:
    with pytest.raises(AlertRefused):
        parse_alert(document)


def test_a_doctype_is_named_as_what_is_wrong() -> None:
    with pytest.raises(ForbiddenXml, match="DOCTYPE"):
        parse_alert(b"<!DOCTYPE a><a/>")


def test_an_alert_of_more_than_a_megabyte_is_refused() -> None:
    with pytest.raises(AlertTooLarge, match="1000000"):
        parse_alert(alert(infos=info(description="x" * 1_000_000)))


@pytest.mark.parametrize(
    ("said", "instead", "named"),
    [
        ("<status>Actual</status>", "<status>Real</status>", "status"),
        ("<status>Actual</status>", "", "status"),
        ("<msgType>Alert</msgType>", "<msgType>Warning</msgType>", "msgType"),
        ("<scope>Public</scope>", "<scope>Public</scope><scope>Private</scope>", "scope"),
        (f'xmlns="{NAMESPACE}"', 'xmlns="urn:x"', "alert"),
    ],
)
def test_an_alert_whose_audience_is_not_clear_is_refused_and_named(said: str, instead: str, named: str) -> None:
    document = alert().decode()
    assert said in document
    with pytest.raises(NotCap, match=named):
        parse_alert(document.replace(said, instead).encode())


NOTHING = info(event=" ", headline="", description="", instruction="")


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (alert(sender="a b"), "sender"),
        (alert(kind="Cancel", infos=""), "references"),
        (alert(kind="Cancel", infos="", references=reference("CB-2026-001")), "references"),
        (alert(infos=""), "info"),
        (alert(infos=" "), "info"),
        (alert(infos=NOTHING), "event"),
        (alert().replace(b"2026-11-24T12:30", b"2026-02-30T12:30"), "sent"),
        (alert().replace(b"<sent>", b"<note>").replace(b"</sent>", b"</note>"), "sent"),
        (alert().replace(b"T12:30:00", b"T25:00:00"), "sent"),
    ],
    ids=[
        "sender",
        "no reference",
        "own reference",
        "no info",
        "blank info",
        "no words",
        "no day",
        "no sent",
        "no hour",
    ],
)
def test_an_alert_with_which_nothing_can_be_done_is_refused_and_named(document: bytes, named: str) -> None:
    with pytest.raises(ElementWrong) as refusal:
        parse_alert(document)
    assert refusal.value.element == named
    for language in ("vi", "en"):
        assert re.fullmatch(rf"<{named}>: [^a-z].+\.", render(refusal.value.message, language))


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("<status>Actual</status>", "<status>\n  Actual\n</status>"),
        ("<urgency>Immediate</urgency>", "<urgency> immediate </urgency>"),
        ("<msgType>Alert</msgType>", "<msgType>ALERT</msgType>"),
        ("T12:30:00+07:00</sent>", "T05:30:00Z</sent>"),
        ("T12:30:00+07:00</sent>", "T12:30:00.000+07:00</sent>"),
        ("T12:30:00+07:00</sent>", "T05:30:00-00:00</sent>"),
        ("<category>Met</category>", ""),
        ("<scope>Public</scope>", "<scope>Public</scope><ext xmlns='urn:x'>1</ext>"),
        (NAMESPACE, "urn:oasis:names:tc:emergency:cap:1.1"),
        (NAMESPACE, "http://www.incident.com/cap/1.0"),
    ],
)
def test_what_only_the_schema_forbids_changes_nothing(said: str, instead: str) -> None:
    document = alert().decode()
    assert said in document
    found, usual = parse_alert(document.replace(said, instead).encode()), parse_alert(alert())
    assert (found.name, found.faults, found.status) == (usual.name, (), usual.status)
    assert [(one.urgency, one.headline, one.areas) for one in found.infos] == [
        (one.urgency, one.headline, one.areas) for one in usual.infos
    ]


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (alert(""), "identifier"),
        (alert("x" * 201), "identifier"),
        (alert().replace(b"+07:00</sent>", b"</sent>"), "sent"),
        (alert(kind="Update"), "references"),
        (alert(kind="Update", references="a,b"), "references"),
        (alert(references="a,b,2026-99-99T00:00:00+07:00"), "references"),
        (alert(references=" ".join(reference(str(one)) for one in range(201))), "references"),
        (alert(kind="Update", references=f"{reference('CB-2026-001')} {reference('a')}"), "references"),
        (alert(infos=info() + NOTHING), "event"),
        (alert(infos=info() * 501), "info"),
        (alert(infos=info().replace(">Immediate<", ">Now<")), "urgency"),
        (alert(infos=info().replace("<severity>Extreme</severity>", "")), "severity"),
        (alert(infos=info(expires=minutes(-1))), "expires"),
        (alert(infos=info().replace("14:30:00+07:00", "14:30:00")), "expires"),
        (alert(infos=info(effective=minutes(200))), "effective"),
        (alert(infos=info(areas=area(inside="<geocode><value>01285</value></geocode>"))), "geocode"),
        (alert(infos=info(areas=area(inside="<polygon>1,2 3,4 1,2</polygon>"))), "polygon"),
        (alert(infos=info(areas=area(inside=f"<polygon>1,2 3,4{' 5,6' * 100_000}</polygon>"))), "polygon"),
        (alert(infos=info(areas=area(inside="<circle>22.9,105.6 -1</circle>"))), "circle"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_in_a_part_costs_only_that_part(document: bytes, named: str) -> None:
    found = parse_alert(document)
    assert found.infos[0].headline == "Lũ quét trên sông Gâm"
    assert NamedValue("VN-DVHC", "01285") in found.infos[0].areas[0].geocodes
    assert {fault.fields["element"] for fault in found.faults} == {named}
    for language in ("vi", "en"):
        assert re.fullmatch(rf"<{named}>: [^a-z].+\.", render(found.faults[0], language))


@pytest.mark.parametrize("identifier", ["hai từ", "a,b", "x" * 200])
def test_an_update_finds_what_it_replaces_by_an_unusual_identifier(identifier: str) -> None:
    first = parse_alert(alert(identifier))
    following = parse_alert(alert("hai", kind="Update", references=f"{reference('a')} {reference(identifier)}"))
    assert first.name in following.references
    assert (len(following.references), following.faults) == (2, ())


def test_an_expiry_before_the_alert_was_sent_does_not_expire_it() -> None:
    assert parse_alert(alert(infos=info(expires=minutes(-1)))).infos[0].expires is None


def test_hostile_references_are_read_in_time() -> None:
    for text in ("a," * 400_000, "a,a " * 200_000, "a,b,2026-11-24T" * 60_000, "a" * 900_000):
        assert parse_alert(alert(references=text)).infos


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_the_ends_of_time_do_no_harm(year: str) -> None:
    text = alert().decode().replace("2026-11-24T12:30:00+07:00", f"{year}-01-01T00:00:00+07:00")
    refusal = refusal_of(text.encode())
    assert refusal is None or isinstance(refusal, ElementWrong)


TAGS = [element.tag for element in etree.fromstring(alert()).iter() if isinstance(element.tag, str)]
WORDS = st.text(max_size=40) | st.sampled_from(
    ["", "Actual", "Update", "9" * 400, "1,2 3,4", "2026-11-24T05:30:00+07:00"]
)


@settings(max_examples=examples(150), deadline=None)
@given(st.integers(0, len(TAGS) - 1), st.sampled_from(["drop", "double", "text", "rename", "move"]), WORDS)
def test_any_mutation_is_an_alert_or_a_refusal(index: int, change: str, word: str) -> None:
    root = etree.fromstring(alert())
    element = list(root.iter())[index]
    parent = element.getparent()
    try:
        match change:
            case "text":
                element.text = word
            case "rename":
                element.tag = word or "x"
            case "drop" if parent is not None:
                parent.remove(element)
            case "double" if parent is not None:
                parent.append(etree.fromstring(etree.tostring(element)))
            case "move" if parent is not None:
                root.append(element)
    except ValueError:
        return  # not a name or a text that XML can carry
    refusal = refusal_of(etree.tostring(root, encoding="UTF-8"))
    assert refusal is None or str(refusal)


@settings(max_examples=examples(100), deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(alert())))
def test_any_bytes_are_an_alert_or_a_refusal(inserted: bytes, at: int) -> None:
    document = alert()
    refusal = refusal_of(document[:at] + inserted + document[at:])
    assert refusal is None or str(refusal)
