import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from broadcast_bridge.alerts.cap import NAMESPACE
from broadcast_bridge.alerts.errors import AlertRefused
from broadcast_bridge.alerts.feed_documents import read_feed
from tests.broadcast_bridge.alerts.messages import alert

URL = "https://cap.example.vn/x/feed"
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"{}>{}</feed>'
CAP = "application/cap+xml"


def address(inside: str, about: str = "") -> str:
    (entry,) = read_feed(ATOM.format(about, f"<entry>{inside}</entry>").encode(), URL)
    return entry.url


def address_of_item(inside: str) -> str:
    (entry,) = read_feed(f'<rss version="2.0"><channel><item>{inside}</item></channel></rss>'.encode(), URL)
    return entry.url


@pytest.mark.parametrize(
    "media_type",
    [
        CAP,
        f"{CAP};charset=utf-8",
        f"{CAP}; charset=UTF-8",
        "Application/CAP+XML",
        f" {CAP} ",
        "text/xml",
        "application/xml",
    ],
)
def test_link_of_an_alert_is_recognised_with_any_parameters(media_type: str) -> None:
    page = '<link rel="alternate" href="/page"/><link rel="alternate" type="text/html" href="/page.html"/>'
    assert address(f'{page}<link type="{media_type}" href="/a"/>') == "https://cap.example.vn/a"


@pytest.mark.parametrize(
    ("about", "inside", "url"),
    [
        (
            ' xml:base="https://cap.example.vn/cap/"',
            f'<link type="{CAP}" href="a.xml"/>',
            "https://cap.example.vn/cap/a.xml",
        ),
        (
            ' xml:base="/cap/"',
            f'<link xml:base="new/" type="{CAP}" href="a.xml"/>',
            "https://cap.example.vn/cap/new/a.xml",
        ),
        ("", f'<content type="{CAP}" src="a.xml"/><link href="/page"/>', "https://cap.example.vn/x/a.xml"),
        ("", '<content src="a"/><link type="text/html" href="/page"/>', "https://cap.example.vn/x/a"),
        ("", '<link rel="self" href="/entry/1"/><link href="/a"/>', "https://cap.example.vn/a"),
        ("", '<link rel="enclosure" href="/a.cap"/><link href="/page"/>', "https://cap.example.vn/a.cap"),
        ("", '<link href="/page"/>', "https://cap.example.vn/page"),
        ("", "<id> https://cap.example.vn/a.xml </id>", "https://cap.example.vn/a.xml"),
        ("", "<id>urn:oid:2.49.0.0.704</id>", ""),
        ("", f'<link type="{CAP}" href="http://["/><link href="/a"/>', "https://cap.example.vn/a"),
        (' xml:base="http://["', f'<link type="{CAP}" href="a.xml"/>', ""),
        ("", '<link href="mailto:kttv@example.vn"/>', ""),
        ("", "", ""),
    ],
)
def test_address_of_an_atom_entry_is_found(about: str, inside: str, url: str) -> None:
    assert address(inside, about) == url


@pytest.mark.parametrize(
    ("inside", "url"),
    [
        ("<guid>https://cap.example.vn/a.xml</guid>", "https://cap.example.vn/a.xml"),
        ('<guid isPermaLink="true">\n https://cap.example.vn/a \n</guid>', "https://cap.example.vn/a"),
        ('<guid isPermaLink="false">https://cap.example.vn/a</guid>', ""),
        ("<guid>urn:uuid:1</guid>", ""),
        ("<link>/a</link><guid>https://cap.example.vn/b</guid>", "https://cap.example.vn/a"),
        ("<link>/page.html</link><guid>https://cap.example.vn/b.xml</guid>", "https://cap.example.vn/b.xml"),
        (f'<link>/page</link><enclosure type="{CAP};x=y" url="/a" length="1"/>', "https://cap.example.vn/a"),
        ('<enclosure type="image/png" url="/a.png"/><link>/a</link>', "https://cap.example.vn/a"),
        (
            f'<link>/page</link><l:link xmlns:l="http://www.w3.org/2005/Atom" type="{CAP}" href="/a"/>',
            "https://cap.example.vn/a",
        ),
        ("<link/><title>Lũ</title>", ""),
    ],
)
def test_address_of_an_rss_item_is_found(inside: str, url: str) -> None:
    assert address_of_item(inside) == url


def test_rss_1_has_its_items_beside_the_channel() -> None:
    rdf = (
        '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel/>'
        "<item><link>/1.xml</link></item><item><link>/2.xml</link></item></r:RDF>"
    )
    assert [entry.url[-5:] for entry in read_feed(rdf.encode(), URL)] == ["2.xml", "1.xml"]


def test_an_alert_that_is_escaped_in_its_entry_is_found() -> None:
    text = alert().decode()
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    for content in (f"<![CDATA[{text}]]>", f"\n{escaped}"):
        (entry,) = read_feed(ATOM.format("", f"<entry><content>{content}</content></entry>").encode(), URL)
        assert entry.alert is not None
        assert entry.alert.strip() == alert().strip()


def test_an_alert_of_cap_1_1_is_found_in_a_feed() -> None:
    older = alert().decode().partition("?>")[2].replace(NAMESPACE, "urn:oasis:names:tc:emergency:cap:1.1")
    (entry,) = read_feed(ATOM.format("", f"<entry><content>{older}</content></entry>").encode(), URL)
    assert entry.alert is not None


NAMES = st.sampled_from(["link", "guid", "id", "content", "enclosure", "title", "summary"])
VALUES = st.sampled_from(["/a", "http://[", "", " ", "mailto:x", "//", "https://cap.example.vn:x/", CAP, "\u0000"[:0]])
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["href", "url", "src", "rel", "type", "isPermaLink", "{http://www.w3.org/XML/1998/namespace}base"]),
    VALUES
    | st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20),
)


@settings(deadline=None)
@given(st.sampled_from(["feed", "rss"]), st.lists(st.tuples(NAMES, ATTRIBUTES, VALUES), max_size=5))
def test_any_entry_has_an_address_on_the_web_or_none(kind: str, parts: list[tuple[str, dict[str, str], str]]) -> None:
    root = etree.Element(kind)
    parent = root if kind == "feed" else etree.SubElement(root, "channel")
    entry = etree.SubElement(parent, "entry" if kind == "feed" else "item")
    for name, attributes, text in parts:
        etree.SubElement(entry, name, attributes).text = text
    (found,) = read_feed(etree.tostring(root), URL)
    assert found.url == "" or found.url.lower().startswith(("https://", "http://"))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_feed_or_a_refusal(inserted: bytes) -> None:
    document = ATOM.format("", f'<entry><link type="{CAP}" href="/a"/></entry>').encode()
    for at in (0, 20, len(document) // 2, len(document)):
        with contextlib.suppress(AlertRefused):
            read_feed(document[:at] + inserted + document[at:], URL)
