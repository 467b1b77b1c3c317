"""Comparison of the hosts of two addresses after normalisation (RFC 3986 §6.2.2, §6.2.3)."""

import ipaddress
from contextlib import suppress
from urllib.parse import unquote, urlsplit

_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int]


def origin(url: str) -> Origin | None:
    """Return scheme, host and port of an http(s) address in their normal form, or None for any other address.

    An address with a user name has none: "https://cap.example@other.example" looks like what it is not.
    """
    with suppress(ValueError):  # a port or IPv6 address that is none, a name that IDNA forbids
        address = urlsplit(url.strip())
        scheme = address.scheme.lower()
        if scheme in _PORTS and address.hostname and address.username is None:
            port = _PORTS[scheme] if address.port is None else address.port
            return scheme, _host(address.hostname), port
    return None


def same_origin(one: str, other: str) -> bool:
    """Return whether two addresses have the same scheme, host and port."""
    return origin(one) is not None and origin(one) == origin(other)


def same_host(url: str, known: str) -> bool:
    """Return whether an address has the origin of a known one, or is the same host over https instead of http."""
    asked, own = origin(url), origin(known)
    if asked is None or own is None:
        return False
    upgraded = own[0] == "http" and own[2] == _PORTS["http"] and asked == ("https", own[1], _PORTS["https"])
    return asked == own or upgraded


def _host(name: str) -> str:
    """Return a host in lower case, in ASCII, without a final dot; an IP address in its shortest form."""
    host = unquote(name).rstrip(".").lower()
    with suppress(ValueError):
        return str(ipaddress.ip_address(host))
    return host if host.isascii() else host.encode("idna").decode("ascii")
