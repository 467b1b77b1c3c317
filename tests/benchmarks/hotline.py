"""The hotline and a bare Asterisk dialplan with the same menu, full of callers: every key, every voice accounted for.

A key counts as heard when it did what it does: the message is there (menu), in its category, ends at `#`, and every
second caller, who presses 4 at the end, has left no number. A recording counts when it is its caller's tone, known from
all others, from beginning to end.
"""

import asyncio
import datetime
import random
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from dialplans.configuration import ari_password
from feedback.models import Case
from haichieu.ari import operations
from haichieu.ari.client import AriClient
from haichieu.audio.sound import read_wav
from haichieu.database import now
from haichieu.demo.trial_station import TrialStation, trial_station, until
from haichieu.media import MediaStore
from haichieu.process_control import run_in_real_time
from haichieu.processes.sounds import open_prompts
from tests.benchmarks.callers import HERTZ_APART, LOWEST_HERTZ, Caller, Line, Script
from tests.benchmarks.processes import processes_of
from tests.benchmarks.speakers import cpu_seconds
from tests.benchmarks.table import Row

STEPS = (100, 200, 300)
HOTLINE, BARE = "1800", "*1800"
KEYS = (3, 4)
"""Keys that show, of callers who keep their message (1) and who keep it without their number (4), by turns."""
SPOKEN_SECONDS = 18.0
"""From the category to `#`. Hai Chiều records all of it, the dialplan what follows the instructions and the tone."""
LISTENS_SECONDS = 10.0
"""From the last key until the caller hangs up."""
LEAST_SECONDS, MOST_SECONDS = 6.0, SPOKEN_SECONDS + 1.0
WHOLE = 0.97
"""The share of a recording's tenths of a second that must be its caller's tone."""


@dataclass(frozen=True)
class Kept:
    """What is left of one call: the recording, the category, the last key; when it was kept (by the wall clock)."""

    wav: Path
    category: str
    last_key: str
    at: float


@dataclass(frozen=True)
class Run:
    """How many callers at once, what was lost, the cores that it took."""

    callers: int
    lost_keys: int
    lost_recordings: int
    cores: float
    switchboard: float
    filing: float
    """Seconds from the last key until the message was kept, at worst."""
    late: float
    """Seconds by which the callers' own sound was late, at worst. Beyond 0.1, the figures say nothing."""

    @property
    def whole(self) -> bool:
        """Whether nothing was lost."""
        return self.lost_keys == self.lost_recordings == 0


async def measure_hotline(tell: Callable[[Row], None], steps: tuple[int, ...] = STEPS) -> None:
    """Step up on both sides, each until it loses something, and hand over the rows of the table."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="haichieu-hotline-")))
        district = folder / "district.toml"
        district.write_text(_DISTRICT)
        settings = {"transcriber": "none", "rtp_ports": "20000-29999"}
        station = await stack.enter_async_context(trial_station(district, **settings))
        await _add_bare(station, folder)
        ours: list[Run] = []
        theirs: list[Run] = []
        for size in steps:
            if not (mine_lost := _lost(ours)):
                ours.append(await _run(station, HOTLINE, size, partial(_filed, station)))
            if not (their_lost := _lost(theirs)):
                theirs.append(await _run(station, BARE, size, partial(_recorded, folder)))
            if mine_lost and their_lost:
                break
            if not mine_lost and not their_lost:
                for row in _rows(ours[-1], theirs[-1]):
                    tell(row)
    held, beside = (max((run.callers for run in runs if run.whole), default=0) for runs in (ours, theirs))
    ratio = f"{held / beside:.2f}" if beside else ""
    tell(("hotline: callers held, nothing lost (most tried)", str(held), str(beside), ratio, "≥ 200, ratio ≥ 0.9"))


def _lost(runs: list[Run]) -> bool:
    """Return whether a side has lost something, so that more callers need not be tried."""
    return bool(runs) and not runs[-1].whole


def _rows(mine: Run, bare: Run) -> list[Row]:
    what = f"hotline, {mine.callers} callers at once"
    budget = "none" if mine.callers == STEPS[0] else ""
    ratio = f"{mine.cores / bare.cores:.2f}" if bare.cores else ""
    return [
        (f"{what}: lost keys of {_keys(mine.callers)}", str(mine.lost_keys), str(bare.lost_keys), "", budget),
        (f"{what}: lost recordings", str(mine.lost_recordings), str(bare.lost_recordings), "", budget),
        (f"{what}: cores", f"{mine.cores:.2f}", f"{bare.cores:.2f}", ratio, "ratio ≤ 1.2"),
        (f"{what}: of these the switchboard", f"{mine.switchboard:.2f}", "", "", ""),
        (f"{what}: key → case filed (s), worst", f"{mine.filing:.1f}", "", "", ""),
        (f"{what}: the callers' own sound late (ms)", f"{mine.late * 1000:.0f}", f"{bare.late * 1000:.0f}", "", ""),
    ]


async def _run(
    station: TrialStation, number: str, size: int, kept: Callable[[datetime.datetime], dict[int, Kept]]
) -> Run:
    callers, since = [_caller(index) for index in range(size)], now()
    processes = processes_of(station)
    pids = [processes.asterisk, processes.switchboard]
    loop = asyncio.get_running_loop()
    begin, started = [cpu_seconds(pid) for pid in pids], loop.time()
    line = Line((station.settings.bind, station.settings.sip_port), number)
    with ThreadPoolExecutor(1, initializer=run_in_real_time) as telephones:
        late = await loop.run_in_executor(telephones, line.run, callers)
    seconds = loop.time() - started
    used = [(cpu_seconds(pid) - before) / seconds for pid, before in zip(pids, begin, strict=True)]
    spool = station.settings.home.absolute() / "spool" / "recording"
    await until(lambda: not any(spool.glob("message-*.wav")), "every message is filed", 120)
    found = await asyncio.to_thread(kept, since)
    judged = [_judge(caller, index, found.get(caller.hertz)) for index, caller in enumerate(callers)]
    filing = [
        found[caller.hertz].at - (caller.hung_up_at - LISTENS_SECONDS)
        for caller in callers
        if caller.hertz in found and caller.hung_up_at
    ]
    lost_keys, lost_recordings = sum(keys for keys, _ in judged), sum(sound for _, sound in judged)
    return Run(size, lost_keys, lost_recordings, sum(used), used[1], max(filing, default=float("nan")), late)


def _caller(index: int) -> Caller:
    later = random.random()
    keys = [(3.0 + later, "2"), (6.0 + later, str(index % 9 + 1))]
    end = 6.0 + later + SPOKEN_SECONDS
    keys += [(end, "#"), (end + 4.0, _last_key(index))]
    number = f"+849{random.randrange(10**8):08}"
    return Caller(number, LOWEST_HERTZ + HERTZ_APART * index, Script(keys, end + 0.3, end + 4.0 + LISTENS_SECONDS))


def _last_key(index: int) -> str:
    return "4" if index % 2 else "1"


def _keys(callers: int) -> int:
    return sum(KEYS[index % 2] for index in range(callers))


def _judge(caller: Caller, index: int, kept: Kept | None) -> tuple[int, bool]:
    """How many keys had no effect, and whether the recording is missing or not whole."""
    if kept is None:
        return KEYS[index % 2], True
    sound = read_wav(kept.wav)
    category, last_key = str(index % 9 + 1), _last_key(index)
    lost = (kept.category != category) + (sound.seconds > MOST_SECONDS) + (kept.last_key != last_key)
    return lost, not (_share(sound.samples, caller.hertz) >= WHOLE and sound.seconds >= LEAST_SECONDS)


def _hertz(wav: Path) -> int:
    """Whose recording it is."""
    samples = read_wav(wav).samples[800:]
    whole = samples[: len(samples) // 800 * 800]
    if not len(whole):
        return 0
    loudest = int(np.argmax(np.abs(np.fft.rfft(whole)))) * 8000 / len(whole)
    return round(loudest / HERTZ_APART) * HERTZ_APART


def _share(samples: "np.ndarray[tuple[int], np.dtype[np.float32]]", hertz: int) -> float:
    """The share of tenths of a second, the first and the last three aside, that hold this tone and no other."""
    windows = samples[: len(samples) // 800 * 800].reshape(-1, 800)[3:-3]
    if not len(windows):
        return 0.0
    power = np.abs(np.fft.rfft(windows * np.hanning(800), axis=1)) ** 2
    at = hertz // 10
    share = power[:, at - 2 : at + 3].sum(axis=1) / (power.sum(axis=1) + 1e-9)
    return float(np.mean((share > 0.8) & (power.argmax(axis=1) == at)))


def _filed(station: TrialStation, since: datetime.datetime) -> dict[int, Kept]:
    store = MediaStore(station.settings.home / "media", 1)
    found = {}
    with station.database.session() as session:
        for case in session.scalars(sa.select(Case).where(Case.opened_at >= since)):
            sound = case.messages[0].sound
            if sound is not None:
                path = store.path(sound)
                last_key = "1" if case.citizen_id is not None else "4"
                category = case.category.code if case.category else ""
                found[_hertz(path)] = Kept(path, category, last_key, path.stat().st_mtime)
    return found


def _recorded(folder: Path, since: datetime.datetime) -> dict[int, Kept]:
    found = {}
    for keys in folder.glob("*.keys"):
        category, last_key = ([*keys.read_text().strip().split(" "), "", ""])[:2]
        wav = keys.with_suffix(".wav")
        if wav.exists() and wav.stat().st_mtime >= since.timestamp():
            found[_hertz(wav)] = Kept(wav, category, last_key, keys.stat().st_mtime)
    return found


async def _add_bare(station: TrialStation, folder: Path) -> None:
    """The same questions in Asterisk's own dialplan, with the same sounds; every key is logged."""
    home = station.settings.home

    def sounds() -> dict[str, str]:
        prompts = open_prompts(station.opened)
        names = ("greeting-hotline", "hotline-menu", "ask-category", "category-not-sure", "message-instructions")
        made = {name: prompts.sound(name, "vi") for name in (*names, "message-menu", "message-kept")}
        named = ({"name": f"Việc {code}", "key": str(code)} for code in range(1, 10))
        categories = [prompts.sound("category-choice", "vi", values) for values in named]
        made["category"] = "&".join([made["ask-category"], *categories, made["category-not-sure"]])
        return made

    said = await asyncio.to_thread(sounds)
    file = f"{folder}/${{FILTER(+0-9,${{CALLERID(num)}})}}"
    lines = [
        "",
        "[from-trunk]",
        f"exten => {BARE},1,Answer()",
        f" same => n,Playback({said['greeting-hotline']})",
        f" same => n,Read(MENU,{said['hotline-menu']},1,,3,8)",
        ' same => n,GotoIf($["${MENU}" != "2"]?over)',
        f" same => n,Read(CATEGORY,{said['category']},1,,3,8)",
        f" same => n,Playback({said['message-instructions']})",
        f" same => n,Record({file}.wav,8,300,k)",
        f" same => n,Set(FILE({file}.keys)=${{CATEGORY}})",
        f" same => n,Read(KEEP,{said['message-menu']},1,,1,8)",
        f" same => n,Set(FILE({file}.keys,,,a)= ${{KEEP}})",
        f" same => n,Playback({said['message-kept']})",
        " same => n,Wait(6)",
        " same => n(over),Hangup()",
    ]
    with (home / "etc" / "extensions.conf").open("a") as extensions:
        extensions.write("\n".join(lines) + "\n")
    settings = station.settings
    async with AriClient("127.0.0.1", settings.ari_port, ari_password(settings), lambda _: None) as client:
        await client.request(operations.RELOAD_MODULE, moduleName="pbx_config.so")


_DISTRICT = (
    '[[units]]\ncode = "A"\nname = "A"\nlevel = "commune"\n'
    '[[trunks]]\nid = "carrier"\nhost = "127.0.0.1"\nport = 9\n'
    f'[[numbers]]\nnumber = "{HOTLINE}"\nflow = "hotline"\nunit = "A"\n'
    '[[departments]]\ncode = "d"\nname = "D"\n'
    + "".join(
        f'[[categories]]\ncode = "{code}"\nname = "Việc {code}"\ndepartment = "d"\nanswer_within_days = 7\n'
        "keywords = []\n"
        for code in range(1, 10)
    )
)
