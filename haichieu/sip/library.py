"""Access to the SIP library pjsua2, which is not installed everywhere.

The station never needs it. The software loudspeaker, the soft phone, the demo and the call tests do, and it is
published only for Python 3.11 and 3.12 on x86-64.
"""

from importlib import import_module
from typing import Any

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


def load_pjsua2() -> Any:
    """Import pjsua2 and return it. Raises SipLibraryMissing."""
    try:
        return import_module("pjsua2")
    except ModuleNotFoundError as missing:
        raise SipLibraryMissing from missing
