"""QR codes of slips."""

import re

import pytest

from admin.entries.qr_codes import qr_code


@pytest.mark.parametrize("number", ["1033", "02063999111", "+842063999111"])
def test_number_is_a_code_that_telephones_read(number: str) -> None:
    shown = re.search(r'viewBox="0 0 (\d+) \1"', qr_code(f"tel:{number}"))
    assert shown is not None
    assert int(shown[1]) >= 21 + 2 * 4  # version 1 of ISO/IEC 18004; a Micro QR code has at most 17 modules
