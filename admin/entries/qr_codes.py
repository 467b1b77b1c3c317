"""QR codes as SVG for paper slips."""

import io

import segno
from markupsafe import Markup


def qr_code(text: str) -> Markup:
    """Return a QR code of any size that the page gives it, with the quiet zone of ISO/IEC 18004: four modules.

    It is never a Micro QR code, which `segno.make` draws of a short number: cameras of telephones do not read these.
    """
    out = io.BytesIO()
    segno.make_qr(text, error="m").save(out, kind="svg", omitsize=True, border=4, xmldecl=False, light="#fff")
    return Markup(out.getvalue().decode())  # noqa: S704 (made of modules, never of the text)
