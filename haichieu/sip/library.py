"""Access to the SIP library pjsua2, which is not installed everywhere.

The station never needs it. The software loudspeaker, the soft phone, the demo and the call tests do, and it is
published only for Python 3.11 and 3.12 on x86-64.
"""

from importlib.util import find_spec

from haichieu.errors import EnvironmentProblem


class SipLibraryMissing(EnvironmentProblem):
    """pjsua2 is not installed in this Python environment."""

    def __init__(self) -> None:
        super().__init__(
            "Thiếu thư viện pjsua2 mà loa phần mềm, điện thoại phần mềm và trình diễn cần đến; nó chỉ có cho Python"
            " 3.11 và 3.12 trên x86-64. Hãy chạy: make clean setup"
            " / The library pjsua2 is missing, which the software loudspeaker, the soft phone and the demo need; it"
            " exists only for Python 3.11 and 3.12 on x86-64. Run: make clean setup"
        )


def require_pjsua2() -> None:
    """Raise SipLibraryMissing when pjsua2 is not installed, without importing it."""
    if find_spec("pjsua2") is None:
        raise SipLibraryMissing
