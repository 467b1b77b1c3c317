"""User part of SIP and tel URIs: the number or account in a Request-URI, From or To (RFC 3261 §19.1, RFC 3966)."""

import re
from urllib.parse import unquote

_QUOTED = re.compile(r'^\s*"(?:[^"\\]|\\.)*"')
_IN_BRACKETS = re.compile(r"<([^<>]*)>")
_URI = re.compile(r"\s*(sips?|tel):([^<>\s]*)", re.IGNORECASE)
_SEPARATORS = str.maketrans("", "", "-.() ")
"""RFC 3966 §3: visual separators of numbers."""
_GLOBAL_CONTEXT = re.compile(r"\+[0-9]{1,7}", re.ASCII)


def user_of(address: str) -> str:
    """Return the user part of a URI or name-addr, without password and parameters; empty when it has none.

    A display name can contain anything, an address too. A number with a global `phone-context` is completed by it.
    """
    uri = _uri_of(address)
    found = _URI.match(uri)
    if found is None:
        return ""
    scheme, rest = found[1].lower(), found[2]
    if scheme == "tel":
        return _number(*_parted(rest))
    user, at, _ = rest.rpartition("@")
    if not at:
        return ""
    name, parameters = _parted(user)
    number = name.partition(":")[0]  # a password may follow
    return _number(number, parameters) if parameters else unquote(number)


def _uri_of(address: str) -> str:
    """Return the URI of a name-addr, or the address itself."""
    named = _QUOTED.sub("", address)
    found = _IN_BRACKETS.findall(named)
    return found[-1] if found else named


def _parted(text: str) -> tuple[str, dict[str, str]]:
    """Return the text before the first semicolon, and the parameters after it."""
    name, *rest = text.split(";")
    pairs = (part.partition("=") for part in rest)
    return name, {key.strip().lower(): unquote(value.strip()) for key, _, value in pairs}


def _number(text: str, parameters: dict[str, str]) -> str:
    number = unquote(text)
    bare = number.translate(_SEPARATORS)
    if not bare.removeprefix("+").isdecimal():
        return number
    context = parameters.get("phone-context", "").translate(_SEPARATORS)
    if bare.startswith(("+", "0", context[1:] or "+")) or not _GLOBAL_CONTEXT.fullmatch(context):
        return bare
    return context + bare
