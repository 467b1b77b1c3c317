"""The gate for texts. Asterisk accepts a text before it stores it: none may be accepted without room for it."""

import shutil
from pathlib import Path

from haichieu.ari import operations
from haichieu.ari.client import AriClient

VARIABLE = "TEXTS_REFUSED"
"""Global variable of the dialplan: while it is not empty, texts are answered with 404."""
ROOM_BYTES = 20_000_000
"""What texts and their cases need. The limit for recordings is higher: a full disk stops those first."""


def has_room(home: Path) -> bool:
    """Return whether the disk of the spool can take more texts."""
    return shutil.disk_usage(home).free >= ROOM_BYTES


async def set_gate(client: AriClient, *, is_open: bool) -> None:
    """Let Asterisk accept texts, or refuse them. Raises AriError."""
    await client.request(operations.SET_VARIABLE, variable=VARIABLE, value="" if is_open else "-none")
