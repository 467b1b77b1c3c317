"""Access to the SIP library pjsua2, which is not installed everywhere.

The station never needs it. The software loudspeaker, the soft phone, the demo and the call tests do, and it is
published only for Python 3.11 and 3.12 on x86-64.
"""

from importlib.util import find_spec

from haichieu.errors import EnvironmentProblem


class SipLibraryMissing(EnvironmentProblem):
    """pjsua2 is not installed in this Python environment."""

    def __init__(self) -> None:
        super().__init__("sip.no_library")


def require_pjsua2() -> None:
    """Raise SipLibraryMissing when pjsua2 is not installed, without importing it."""
    if find_spec("pjsua2") is None:
        raise SipLibraryMissing
