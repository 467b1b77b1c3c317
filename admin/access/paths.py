"""Redirect targets after sign-in: pages of this panel only."""

from urllib.parse import urlsplit

HOME = "/"


def path_within(wanted: str | None) -> str:
    """Return the requested path when it lies within the panel, else the start page.

    Browsers read `//host`, `/\\host` and paths with control characters as other hosts.
    """
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")) or len(wanted) > 2000:
        return HOME
    if any(ord(letter) < 33 or letter == "\\" for letter in wanted):
        return HOME
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else wanted
