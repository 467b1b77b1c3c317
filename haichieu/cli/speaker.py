"""`haichieu speaker`: the software loudspeaker."""

import sys
from pathlib import Path

from broadcast_bridge.loudspeaker.speaker import LoudspeakerOptions, run_loudspeaker
from haichieu.command_language import language


def run_speaker(
    *,
    server: str,
    id: str,
    password: str,
    record: Path | None,
    output: str | None,
    bind: str,
    events: bool,
    tls: bool,
    fingerprint: str,
    ca_file: Path | None,
) -> int:
    """Run until SIGTERM. A password of `-` is read from standard input, so that no process list shows it."""
    if password == "-":  # noqa: S105
        password = sys.stdin.readline().rstrip("\n")
    return run_loudspeaker(
        LoudspeakerOptions(
            server=server,
            id=id,
            password=password,
            record=record,
            output=output,
            bind=bind,
            events=events,
            language=language(),
            tls=tls,
            fingerprint=fingerprint,
            ca_file=ca_file,
        )
    )
