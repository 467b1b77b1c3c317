"""`haichieu cluster-demo`: three nodes act as one station, and one of them is killed.

Six loudspeakers register through Kamailio and are spread over the nodes. A recording is heard by all in step, an
official is heard by all, and then a node is killed in the middle of a recording: its loudspeakers register at another
one and hear the rest. Recordings of the loudspeakers are compared with the sent sound.
"""

import asyncio
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa
from rich.table import Table

from broadcast_bridge.broadcasts import starting
from broadcast_bridge.broadcasts.starting import Request
from broadcast_bridge.broadcasts.states import BroadcastState, DeliveryState
from broadcast_bridge.programmes import intake
from haichieu.audio.sound import Sound, read_wav
from haichieu.command_language import say, terminal
from haichieu.database import now
from haichieu.demo.cluster_stage import NODES, OFFICIALS_LINE, PIN, ZONE, Stage, stage
from haichieu.demo.evidence_tables import table_of
from haichieu.demo.human_speech import human_speech
from haichieu.demo.live import CORRELATION, until_interrupted
from haichieu.demo.trial_station import until
from haichieu.locale import Field
from haichieu.people import Unit
from haichieu.processes.asterisk import find_or_fetch
from haichieu.settings import load_settings
from haichieu.sip.library import require_pjsua2
from haichieu.station_status import nodes_of_status

SPEECH, SPEECH_SECONDS = "demo-congrats", 12.0
OTHER_SPEECH, OTHER_SECONDS = "demo-instruct", 40.0
IN_STEP_SECONDS = 0.1
LIVE_SPREAD_SECONDS = 0.5
"""A voice passes through one node more on its way to the loudspeakers of the others."""
AGAIN_SECONDS = 10.0
ATTEMPTS = 3
"""A machine that is busy at the wrong moment delays one of its many processes."""


@dataclass(frozen=True)
class OnNode:
    """What one loudspeaker heard; `begins_ms` after the first one that heard it, None if it does not tell."""

    speaker: str
    software: str
    node: str
    correlation: float
    begins_ms: int | None


@dataclass(frozen=True)
class InStep:
    """A broadcast that all loudspeakers heard; `spread_ms` between the first and the last."""

    heard: list[OnNode]
    spread_ms: int
    proven: bool


@dataclass(frozen=True)
class Moved:
    """A loudspeaker of the killed node; `silent_seconds` until it heard something again, None if it does not tell."""

    speaker: str
    node: str
    silent_seconds: float | None
    delivery: str


@dataclass(frozen=True)
class Lost:
    """The node that was killed in the middle of a recording, and what happened."""

    node: str
    moved: list[Moved]
    others: dict[str, str]
    """The results of the other loudspeakers."""
    broadcast: str
    returned: bool
    """Whether it was started again and is one of the nodes."""
    proven: bool


@dataclass(frozen=True)
class ClusterReport:
    """The evidence of one demonstration."""

    ok: bool
    seconds: float
    nodes: list[str]
    recording: InStep
    live: InStep
    lost: Lost


def run_cluster_demo(*, once: bool, as_json: bool) -> int:
    """Run it; return 0 only if every step was proven. Raises EnvironmentProblem when something is not installed."""
    require_pjsua2()
    try:
        return asyncio.run(_demo(once=once, as_json=as_json))
    except KeyboardInterrupt:
        return 130


async def _demo(*, once: bool, as_json: bool) -> int:
    began = time.monotonic()
    installation = find_or_fetch(load_settings())
    with tempfile.TemporaryDirectory(prefix="haichieu-cluster-") as name:
        folder = Path(name)
        speech = human_speech(installation, folder, SPEECH, SPEECH_SECONDS)
        long = human_speech(installation, folder, OTHER_SPEECH, OTHER_SECONDS)
        _say("demo.cluster.starting")
        async with stage(folder) as running:
            _say("demo.cluster.spread", spread=_spread(running))
            recording = await _recording_in_step(running, speech)
            _say("demo.cluster.live")
            live = await _official_is_heard(running, speech)
            _say("demo.cluster.killing")
            lost = await _node_is_lost(running, long)
            proven = recording.proven and live.proven and lost.proven
            report = ClusterReport(proven, round(time.monotonic() - began, 1), list(NODES), recording, live, lost)
            if as_json:
                print(json.dumps(asdict(report), ensure_ascii=False, indent=2), flush=True)
            else:
                _print(report)
            if not once:
                web = [f"http://{node.settings.bind}:{node.settings.web_port}" for node in running.nodes.values()]
                _say("demo.cluster.stays_up", proxy=running.proxy.server, web=tuple(web))
                await until_interrupted()
    return 0 if report.ok else 1


def _spread(running: Stage) -> tuple[str, ...]:
    served = running.served_by()
    return tuple(f"{name}: {', '.join(sorted(code for code, at in served.items() if at == name))}" for name in NODES)


def stored(running: Stage, speech: Path, node: str) -> int:
    """Store a speech at one node alone, as a panel does; return the id of the sound."""
    store = running.nodes[node].opened.media
    with tempfile.TemporaryDirectory() as folder, running.database.session() as session:
        upload = Path(shutil.copy(speech, folder))
        placed = intake.put(store, intake.ready_upload(upload, Path(folder), speech.name))
        unit = session.scalars(sa.select(Unit.id).order_by(Unit.id).limit(1)).one()
        about = intake.About(speech.stem, unit, "demo", "Trình diễn")
        return intake.add(session, store, about, placed, now()).sound_id or 0


def ask_for(running: Stage, sound: int) -> int:
    """Ask for a sound on every loudspeaker; return the broadcast's id."""
    with running.database.session() as session:
        return starting.ask(session, Request("demo", "cluster-demo", [sound], [ZONE]), now()).id


async def _recording_in_step(running: Stage, speech: Path) -> InStep:
    results: list[InStep] = []
    sound = await asyncio.to_thread(stored, running, speech, NODES[0])
    for _ in range(ATTEMPTS):
        running.forget()
        number = await asyncio.to_thread(ask_for, running, sound)
        await running.ended(number)
        results.append(await asyncio.to_thread(_heard_by_all, running, read_wav(speech), number, IN_STEP_SECONDS))
        if results[-1].proven:
            break
    return min(results, key=lambda one: (not one.proven, one.spread_ms))


async def _official_is_heard(running: Stage, speech: Path) -> InStep:
    running.forget()
    before = running.newest().id
    async with running.phone() as phone:
        await phone.call(OFFICIALS_LINE)
        for keys in (f"{PIN}#", "1", f"{ZONE}#", "1"):
            await phone.digits(keys)
        await until(lambda: running.newest().id != before and running.newest().live_at is not None, "the voice", 60)
        number = running.newest().id
        await running.until_playing(number)
        await phone.play(speech)
        await phone.digits("#")
        await running.ended(number)
        await phone.hang_up()
    return await asyncio.to_thread(_heard_by_all, running, read_wav(speech), number, LIVE_SPREAD_SECONDS)


def _heard_by_all(running: Stage, speech: Sound, number: int, most_spread: float) -> InStep:
    served, deliveries = running.served_by(), running.deliveries(number)
    found = {code: speaker.speech_at(speech) for code, speaker in running.speakers.items()}
    moments = [at for _, at in found.values() if at is not None]
    first = min(moments, default=0.0)
    heard = [
        OnNode(
            code, running.speakers[code].software, served.get(code, ""), round(one.correlation, 3),
            None if at is None else round((at - first) * 1000),
        )
        for code, (one, at) in found.items()
    ]  # fmt: skip
    spread = max(moments, default=0.0) - first
    proven = (
        all(one.correlation >= CORRELATION for one in heard)
        and set(deliveries.values()) == {DeliveryState.PLAYED}
        and spread <= most_spread
    )
    return InStep(heard, round(spread * 1000), proven)


async def _node_is_lost(running: Stage, speech: Path) -> Lost:
    served = running.served_by()
    crowded = max(NODES, key=lambda name: list(served.values()).count(name))
    affected = sorted(code for code, name in served.items() if name == crowded)
    other = next(name for name in NODES if name != crowded)
    number = await asyncio.to_thread(ask_for, running, await asyncio.to_thread(stored, running, speech, other))
    await running.until_playing(number)
    await until(lambda: running.broadcast(number).live_at is not None, "the speech has begun", 20)
    await running.nodes[crowded].kill()
    killed = time.time()
    heard_again = await asyncio.gather(*(_heard_again(running, code, killed) for code in affected))
    moved_to = running.served_by()
    ended = await running.ended(number)
    results = running.deliveries(number)
    await running.nodes[crowded].start()

    def is_back() -> bool:
        with running.database.reading() as session:
            return all(node.ok for node in nodes_of_status(session))

    await until(is_back, "the node is back", 30)
    moved = [
        Moved(code, moved_to.get(code, ""), silent, results.get(code, ""))
        for code, silent in zip(affected, heard_again, strict=True)
    ]
    others = {code: state for code, state in results.items() if code not in affected}
    return Lost(
        node=crowded,
        moved=moved,
        others=others,
        broadcast=ended.state,
        returned=True,
        proven=ended.state == BroadcastState.ENDED
        and all(one.node not in ("", crowded) for one in moved)
        and all(one.silent_seconds is None or one.silent_seconds <= AGAIN_SECONDS for one in moved)
        and set(others.values()) <= {DeliveryState.PLAYED},
    )


async def _heard_again(running: Stage, code: str, killed: float) -> float | None:
    """Wait until a loudspeaker of a killed node hears something again; return how long it took."""
    speaker = running.speakers[code]
    if speaker.soft is None:
        await until(lambda: running.served_by().get(code, "") != "", f"{code} is reachable", 60)
        return None
    await until(lambda: any(at > killed for at in speaker.sounds()), f"{code} hears the rest", 60)
    return round(min(at for at in speaker.sounds() if at > killed) - killed, 1)


def _print(report: ClusterReport) -> None:
    console = terminal()
    for key, part in (("recording", report.recording), ("live", report.live)):
        title = say(f"demo.cluster.of_{key}", spread=part.spread_ms)
        table = table_of(title, "speaker", "software", "node", "alike", "begins")
        for one in sorted(part.heard, key=lambda one: (one.node, one.speaker)):
            begins = "" if one.begins_ms is None else str(one.begins_ms)
            table.add_row(one.speaker, one.software, one.node, f"{one.correlation:.2f}", begins)
        console.print(table)
    console.print(_of_lost(report.lost))
    console.print(say("demo.proven" if report.ok else "demo.not_proven"))


def _of_lost(lost: Lost) -> Table:
    table = table_of(say("demo.cluster.of_lost", node=lost.node), "speaker", "node", "silent", "state")
    for one in lost.moved:
        silent = "" if one.silent_seconds is None else f"{one.silent_seconds:.1f}"
        table.add_row(one.speaker, one.node, silent, one.delivery)
    for code, state in sorted(lost.others.items()):
        table.add_row(code, "", "0", state)
    return table


def _say(key: str, **fields: Field) -> None:
    print(say(key, **fields), file=sys.stderr, flush=True)
