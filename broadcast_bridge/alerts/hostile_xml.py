"""Parser of untrusted XML: no DTD, no entities, no network, limited size and depth.

It takes UTF-8, and UTF-16 with a byte order mark, whatever encoding the document declares.
"""

import codecs
import re

from lxml import etree

from broadcast_bridge.alerts.errors import AlertTooLarge, ForbiddenXml, NotReadable

LARGEST_ALERT = 10_000_000
"""Bytes of an alert with its pictures and recordings; no text that libxml2 reads may be longer."""
LARGEST_WITHOUT_RESOURCES = 1_000_000
"""Bytes of everything else, which becomes a tree in memory. The longest real alerts have about 100 kB."""

_RESOURCE = re.compile(
    rb"(<(?:[\w.-]+:)?(?:derefUri|uri)\b[^<>]*>)(?:[^<]+|<!\[CDATA\[[^\]<]*\]\]>)(?=</(?:[\w.-]+:)?(?:derefUri|uri)\s*>)"
)


def parser(*, keep_comments: bool = False) -> etree.XMLParser:
    """Return a parser for one untrusted document.

    Comments and processing instructions are removed, since they would split a sentence; a signature may cover them, so
    that checking one needs `keep_comments`.
    """
    return etree.XMLParser(
        encoding="utf-8",  # whatever the document declares: in UTF-7 a DTD would not be recognised
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=not keep_comments,
        remove_pis=not keep_comments,
    )


def without_resources(document: bytes) -> bytes:
    """Return the document without the resources embedded in it (`derefUri`, CAP 1.2 §3.2.3), which are never used.

    It is in UTF-8. Raises ForbiddenXml for any encoding but UTF-8, and UTF-16 with a byte order mark.
    """
    return _RESOURCE.sub(rb"\1", _as_utf8(document))


def _as_utf8(document: bytes) -> bytes:
    utf16 = document.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return document.decode("utf-16" if utf16 else "utf-8-sig").encode()
    except UnicodeDecodeError as problem:
        raise ForbiddenXml("alert.xml.not_utf8", byte=problem.start) from problem


def parse(document: bytes, limit: int = LARGEST_WITHOUT_RESOURCES, *, keep_comments: bool = False) -> etree._Element:
    """Return the root element; `limit` applies to the document without its resources.

    Raises AlertTooLarge, ForbiddenXml or NotReadable.
    """
    if len(document) > LARGEST_ALERT:
        raise AlertTooLarge(LARGEST_ALERT)
    if len(document) > limit and len(without_resources(document)) > limit:
        raise AlertTooLarge(limit)
    text = _as_utf8(document)
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ForbiddenXml("alert.xml.doctype")
    try:
        root = etree.fromstring(text, parser(keep_comments=keep_comments))
    except etree.XMLSyntaxError as problem:
        raise NotReadable("alert.xml.not_well_formed", problem=problem.msg or "") from problem
    if next(root.iter(etree.Entity), None) is not None:
        raise ForbiddenXml("alert.xml.entity")
    return root
