"""`python -m broadcast_bridge.loudspeaker`: one loudspeaker with `--events`, as `SoftSpeaker` starts it.

People use `haichieu speaker`, which takes the same options.
"""

import argparse
import sys
from pathlib import Path

from broadcast_bridge.loudspeaker.speaker import LoudspeakerOptions, run_loudspeaker
from haichieu.locale import FALLBACK


def main() -> int:
    """Run a loudspeaker from the command line, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m broadcast_bridge.loudspeaker")
    parser.add_argument("--server", required=True, help="HOST:PORT of the station")
    parser.add_argument("--id", required=True, help="the speaker's id")
    parser.add_argument("--password", required=True, help="'-' takes the first line of standard input")
    parser.add_argument("--record", type=Path, help="WAV file that gets what is heard")
    parser.add_argument("--output", help="ALSA device, or '| COMMAND' that takes raw PCM")
    parser.add_argument("--bind", default="", help="local address; default: the one that leads to the server")
    parser.add_argument("--tls", action="store_true", help="SIP over TLS, and SRTP")
    parser.add_argument("--fingerprint", default="", help="SHA-256 fingerprint of the server's certificate")
    parser.add_argument("--ca-file", type=Path, help="PEM file of the authorities that certify the server")
    parser.add_argument("--expires", type=int, default=30, help="seconds between registrations")
    parser.add_argument("--language", default=FALLBACK, help="language of messages, vi or en")
    given = parser.parse_args()
    if given.password == "-":  # noqa: S105
        given.password = sys.stdin.readline().rstrip("\n")
    return run_loudspeaker(LoudspeakerOptions(**vars(given), events=True))


raise SystemExit(main())
