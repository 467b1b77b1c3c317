"""Where somebody may be sent after logging in: to a page of this panel and nowhere else."""

from urllib.parse import urlsplit

HOME = "/"


def path_within(wanted: str | None) -> str:
    """The path that was asked for when it lies within the panel, else the first page.

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
