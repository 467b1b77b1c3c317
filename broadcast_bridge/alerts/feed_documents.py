"""Parser of Atom (RFC 4287) and RSS 2.0 feeds of alerts.

Only the list is read here; `decisions.receive` authenticates the entries.
"""

import hashlib
from dataclasses import dataclass
from urllib.parse import urljoin

from lxml import etree

from broadcast_bridge.alerts.cap import NAMESPACE
from broadcast_bridge.alerts.errors import AlertRefused
from broadcast_bridge.alerts.hostile_xml import parse

LARGEST_FEED = 4_000_000
"""Bytes."""
MOST_ENTRIES = 500

_ALERT = f"{{{NAMESPACE}}}alert"
_ATOM = "{http://www.w3.org/2005/Atom}"
_CAP_TYPE = "application/cap+xml"


class NotAFeed(AlertRefused):
    """The document is neither Atom nor RSS nor a CAP alert."""


@dataclass(frozen=True)
class Entry:
    """One entry: `key` changes whenever the entry does; `alert` is set when the feed contains the alert itself."""

    key: str
    url: str
    alert: bytes | None = None


def read_feed(document: bytes, url: str) -> list[Entry]:
    """Return at most the MOST_ENTRIES newest entries, the oldest first (feeds list the newest first).

    Raises NotReadable or NotAFeed.
    """
    root = parse(document, LARGEST_FEED)
    if root.tag == _ALERT:
        return [_entry(root, url, root)]
    if root.tag == f"{_ATOM}feed":
        entries = [_entry(entry, urljoin(url, _atom_link(entry)), None) for entry in root.findall(f"{_ATOM}entry")]
    elif root.tag == "rss":
        entries = [_entry(item, urljoin(url, _rss_link(item)), None) for item in root.findall("channel/item")]
    else:
        raise NotAFeed("alert.feed.not_a_feed", url=url)
    return entries[:MOST_ENTRIES][::-1]


def _entry(element: etree._Element, url: str, alert: etree._Element | None) -> Entry:
    found = alert if alert is not None else next(element.iter(_ALERT), None)
    digest = hashlib.sha256(etree.tostring(element, with_tail=False)).hexdigest()[:24]
    return Entry(digest, url, None if found is None else etree.tostring(found, with_tail=False))


def _atom_link(entry: etree._Element) -> str:
    links = entry.findall(f"{_ATOM}link")
    of_cap = [link for link in links if link.get("type") == _CAP_TYPE]
    alternate = [link for link in links if link.get("rel", "alternate") == "alternate"]
    return next((str(link.get("href", "")) for link in of_cap + alternate), "")


def _rss_link(item: etree._Element) -> str:
    enclosures = [
        enclosure.get("url", "") for enclosure in item.findall("enclosure") if enclosure.get("type") == _CAP_TYPE
    ]
    return str(next(iter(enclosures), "")) or (item.findtext("link") or "").strip()
