"""Attack campaign: five attackers against a running station, while an official speaks and a citizen calls.

`python -m tests.campaigns.attack --seconds 300 --seed 1` prints what each attacker sent, and what happened. Exit status
1 if anything foreign was on air, a call was placed, a process ended, or a call was not taken.
"""

import argparse
import asyncio
import itertools
import random
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from feedback.texts.twilio_stand_in import TwilioStandIn
from haichieu.demo.process_tree import descendants
from haichieu.outgoing import outgoing_rule
from haichieu.people import Account, Role, Unit
from haichieu.phone_numbers import normalise
from haichieu.vault import hash_secret
from tests.campaigns.anonymous_browser import anonymous_browser
from tests.campaigns.honest_people import ELSEWHERE, IN_ZONE, Official, call_hotline, calls_of_a_citizen
from tests.campaigns.sip_attacker import SipAttacker
from tests.campaigns.sip_attackers import forging_caller, stolen_phone, stolen_speaker, stranger
from tests.campaigns.tally import Report
from tests.campaigns.targets import OFFICIALS, Targets
from tests.crashes.processes import supervisor
from tests.station.scene import Scene
from tests.station.stations import cut_speeches, started

SECONDS = 300.0
BETWEEN_BROADCASTS = 2.0
PROGRESS_SECONDS = 30.0
LOG_LINES = 200
_TO = re.compile(r"^(INVITE|MESSAGE) sip:([^@\s]*)@")
_ENDED = re.compile(r"process\.(?:ended|hung|killed).*")

Tell = Callable[[str], None]


async def campaign(folder: Path, seconds: float, seed: int, tell: Tell) -> Report:
    """Start a station, attack it, and return the counts."""
    report = Report(seed, seconds)
    with TwilioStandIn() as twilio:
        settings = {
            "twilio_account_sid": twilio.account_sid, "twilio_auth_token": twilio.token,
            "twilio_number": twilio.number, "twilio_base_url": twilio.base_url,
            "public_url": "http://station.example",
        }  # fmt: skip
        async with started(folder, cut_speeches(folder), texts=True, **settings) as scene:
            _add_account(scene)
            for code in (IN_ZONE, ELSEWHERE):
                await scene.speaker(code)
            await _attacked(scene, report, tell)
            for text in twilio.texts:
                _count_text(report, scene, text.to)
    return report


async def _attacked(scene: Scene, report: Report, tell: Tell) -> None:
    official = Official(scene, report)
    await official.speak("demo-congrats")  # before any attack: how long the station's own sounds are
    processes = _processes(scene)
    carrier = await SipAttacker.opened(
        scene.station.server, _chance(report, "carrier"), "127.0.0.1", scene.carrier_port
    )
    targets = Targets(scene, carrier, report.tally)
    attackers: list[Coroutine[Any, Any, None]] = [
        stolen_speaker(targets, _chance(report, "speaker")),
        stolen_phone(targets, _chance(report, "phone")),
        stranger(targets, _chance(report, "stranger")),
        forging_caller(targets, _chance(report, "caller")),
        anonymous_browser(targets, _chance(report, "browser"), report),
    ]
    tasks = [asyncio.create_task(one) for one in (*attackers, calls_of_a_citizen(scene, report))]
    until, told = time.monotonic() + report.seconds, time.monotonic()
    try:
        for speech in itertools.cycle(("demo-instruct", "demo-congrats")):
            if time.monotonic() >= until:
                break
            await official.speak(speech)
            for task in tasks:
                if task.done():
                    task.result()  # an attacker that fails attacks no more
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                tell(_progress(report, until - told))
            await asyncio.sleep(BETWEEN_BROADCASTS)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await call_hotline(scene, report)  # at the end, too
    _look_back(scene, report, carrier, processes, official)
    carrier.close()


def _look_back(
    scene: Scene, report: Report, carrier: SipAttacker, processes: dict[int, str], official: Official
) -> None:
    """Count what the carrier received, what ended, and what was broadcast."""
    for request in carrier.requests:
        method, number = _called(request)
        if method == "MESSAGE":
            _count_text(report, scene, number)
        elif number in OFFICIALS:
            report.officials_called += 1
        else:
            report.calls_placed.append(number)
    now_running = _processes(scene)
    report.restarts += [command for pid, command in processes.items() if pid not in now_running]
    log = scene.station.log.read_text(errors="replace")
    report.restarts += _ENDED.findall(log)
    report.last_log_lines = log.splitlines()[-LOG_LINES:]
    report.strange_broadcasts = len(set(scene.broadcast_ids()) - official.wanted)


def _called(request: str) -> tuple[str, str]:
    """Return the method and the number of a request of the station, normalised."""
    found = _TO.match(request)
    if found is None:
        return request.partition(" ")[0], ""
    return found[1], normalise(found[2]) or found[2]


def _add_account(scene: Scene) -> None:
    """Add an administrator: the web process of a station without one only sets it up."""
    with scene.station.database.session() as session:
        unit = session.scalars(sa.select(Unit).where(Unit.code == "CB")).one()
        hashed = hash_secret(secrets.token_hex(16))
        session.add(Account(email="admin@example", name="A", password_hash=hashed, role=Role.ADMIN, unit=unit))


def _count_text(report: Report, scene: Scene, number: str) -> None:
    if outgoing_rule(scene.station.settings).objection(number) is None:
        report.texts_sent += 1
    else:
        report.texts_refused.append(number)


def _processes(scene: Scene) -> dict[int, str]:
    """Return the supervised processes of the station; a program that one of them starts for a moment is none."""
    of_station = ("asterisk.conf", "haichieu switchboard", "haichieu worker", "haichieu web")
    running = descendants(supervisor(scene.station))
    return {pid: command for pid, command in running.items() if any(name in command for name in of_station)}


def _chance(report: Report, name: str) -> random.Random:
    """Return the random numbers of one attacker: the same for the same seed."""
    return random.Random(f"{report.seed}/{name}")


def _progress(report: Report, left: float) -> str:
    return (
        f"{max(0.0, left):.0f} s left: {report.tally.sent.total()} sent, {report.whole} of {report.broadcasts} "
        f"broadcasts whole, {len(report.answered)} calls taken, {report.foreign_seconds:.2f} s foreign"
    )


def main(arguments: Sequence[str]) -> int:
    """Run the campaign; return the exit status."""
    given = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        report = asyncio.run(campaign(Path(folder), given.seconds, given.seed, _tell))
    print(report.table())
    if report.faults:
        print(*report.last_log_lines, sep="\n", file=sys.stderr)
    for fault in report.faults:
        print(f"FAULT: {fault}", file=sys.stderr)
    return 1 if report.faults else 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.attack", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long to attack (300)")
    parser.add_argument("--seed", type=int, default=1, help="of the random mixes of the attackers (1)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
