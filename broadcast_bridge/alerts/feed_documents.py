"""Parser of Atom (RFC 4287), RSS 2.0 and RSS 1.0 feeds of alerts.

Only the list is read here; `decisions.receive` authenticates the entries.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

from lxml import etree

from broadcast_bridge.alerts.cap import NAMESPACE
from broadcast_bridge.alerts.cap_reader import EARLIER_NAMESPACES
from broadcast_bridge.alerts.errors import AlertRefused
from broadcast_bridge.alerts.hostile_xml import parse
from broadcast_bridge.alerts.hosts import origin

LARGEST_FEED = 4_000_000
"""Bytes."""
MOST_ENTRIES = 500

_ALERTS = tuple(f"{{{namespace}}}alert" for namespace in (NAMESPACE, *EARLIER_NAMESPACES))
_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_CAP_TYPES = ("application/cap+xml", "application/vnd.oasis.cap+xml")
_XML_TYPES = ("application/xml", "text/xml")
_PAGE_TYPES = ("text/html", "application/xhtml+xml")


class NotAFeed(AlertRefused):
    """The document is neither Atom nor RSS nor a CAP alert."""


@dataclass(frozen=True)
class Entry:
    """One entry: `key` changes whenever the entry does; `alert` is set when the feed contains the alert itself.

    `url` is "" when the entry names no address of an alert.
    """

    key: str
    url: str
    alert: bytes | None = None


@dataclass(frozen=True)
class _Link:
    """An address in an entry, resolved; `rank` is how well it is marked as that of the alert, lower is better."""

    rank: int
    url: str


def read_feed(document: bytes, url: str) -> list[Entry]:
    """Return at most the MOST_ENTRIES newest entries, the oldest first (feeds list the newest first).

    Raises NotReadable or NotAFeed.
    """
    root = parse(document, LARGEST_FEED)
    if root.tag in _ALERTS:
        return [_entry(root, url, root)]
    elements = _children(root, "entry") if _name(root) == "feed" else _items(root)
    if elements is None:
        raise NotAFeed("alert.feed.not_a_feed", url=url)
    entries = [_entry(element, url, None) for element in elements[:MOST_ENTRIES]]
    return entries[::-1]


def _items(root: etree._Element) -> list[etree._Element] | None:
    """Return the items of RSS 2.0, which are in the channel, or of RSS 1.0, where they are beside it."""
    if _name(root) not in ("rss", "RDF"):
        return None
    return [item for parent in (*_children(root, "channel"), root) for item in _children(parent, "item")]


def _entry(element: etree._Element, url: str, alert: etree._Element | None) -> Entry:
    found = alert if alert is not None else next(element.iter(*_ALERTS), None)
    digest = hashlib.sha256(etree.tostring(element, with_tail=False)).hexdigest()[:24]
    if found is not None:
        return Entry(digest, url, etree.tostring(found, with_tail=False))
    escaped = _escaped_alert(element)
    if escaped is not None:
        return Entry(digest, url, escaped)
    links = [link for link in _links(element, url) if origin(link.url)]
    return Entry(digest, min(links, key=lambda link: link.rank).url if links else "")


def _escaped_alert(entry: etree._Element) -> bytes | None:
    """Return an alert that is in the entry as text, in CDATA or escaped."""
    for part in entry.iter("{*}content", "{*}summary", "{*}description", "{*}encoded"):
        text = (part.text or "").strip()
        if text.startswith("<") and any(namespace in text for namespace in (NAMESPACE, *EARLIER_NAMESPACES)):
            return text.encode()
    return None


def _links(entry: etree._Element, feed_url: str) -> Iterator[_Link]:
    """Yield the addresses in an entry; those of one rank in their order."""
    for element in entry:
        name, base = _name(element), _base(element, feed_url)
        written, text = element.get("href") or element.get("url") or element.get("src"), (element.text or "").strip()
        match name:
            case "link" if written is not None:
                rel = element.get("rel", "alternate").rpartition("/")[2]
                known = rel in ("alternate", "enclosure", "related", "via")
                yield _link(element, base, written, 3 if rel == "alternate" else 4 if known else 6)
            case "enclosure" | "content" if written is not None:
                yield _link(element, base, written, 4)
            case "link" if text:
                yield _link(element, base, text, 4)
            case "guid" if element.get("isPermaLink", "true").strip().lower() != "false":
                yield _link(element, "", text, 5)
            case "id":
                yield _link(element, "", text, 8)


def _link(element: etree._Element, base: str, reference: str, rank: int) -> _Link:
    """Return a link, ranked by its media type (RFC 2045 §5.1: without parameters, in any case) and its ending."""
    url = _joined(base, reference)
    media_type = element.get("type", "").partition(";")[0].strip().lower()
    if media_type in _CAP_TYPES:
        rank = 0
    elif media_type in _XML_TYPES:
        rank = 1
    elif media_type in _PAGE_TYPES or media_type.startswith(("image/", "audio/", "video/")):
        rank = 7
    elif rank < 6 and url.lower().partition("?")[0].endswith((".cap", ".xml")):
        rank = 2
    return _Link(rank, url)


def _base(element: etree._Element, url: str) -> str:
    """Return the address to which those in an element are relative (XML Base)."""
    bases = [base for one in (*reversed([*element.iterancestors()]), element) if (base := one.get(_BASE))]
    for base in bases:
        url = _joined(url, base)
    return url


def _joined(base: str, reference: str) -> str:
    """Return an absolute address, or "" if one of the two is none."""
    try:
        return urljoin(base, reference.strip())
    except ValueError:
        return ""


def _children(element: etree._Element, name: str) -> list[etree._Element]:
    return [child for child in element if _name(child) == name]


def _name(element: etree._Element) -> str:
    """Return the name of an element without its namespace, which feeds of every version write differently."""
    return etree.QName(element).localname
