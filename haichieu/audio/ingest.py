"""Conversion of uploaded sound files: checked, trimmed, levelled and stored at two sample rates.

ffmpeg does the work in a separate process. The file may be hostile, so ffmpeg may open only that file, in one of the
listed formats, for a limited time. A file is judged by what can be decoded: a length in seconds counts only where its
format declares the exact one.

    UnusableSound
    ├── NotASound        no sound, or an unsupported format
    ├── BrokenSound      damaged or cut off
    ├── SilentSound      nothing audible
    └── TooLongSound     too long or too large
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from haichieu.audio.errors import UnreadableSound
from haichieu.audio.ffmpeg import INPUT, Finished, OutOfTime, convert, probe, run
from haichieu.audio.recording_cleaning import CLEANING
from haichieu.audio.sound import whole_seconds
from haichieu.audio.synthetic_mark import SyntheticMark, mark_in, write_mark
from haichieu.audio.truncation import is_cut_off
from haichieu.errors import EnvironmentProblem, HaiChieuError

MOST_BYTES = 500_000_000
MOST_SECONDS = 4 * 3600.0
LEAST_SECONDS = 0.3
LOUDNESS_LUFS = -16.0
"""EBU R 128 integrated loudness of everything played, so that no village has to turn a knob."""
PEAK_DBTP = -1.5
SILENT_LUFS = -60.0
TELEPHONE_RATE, WIDEBAND_RATE = 8000, 16000
FORM_SECONDS = 0.5
"""A form that is shorter than its sound by more was cut off."""

_DISK_FULL = b"No space left on device"
_NOWHERE = ("-f", "null", "-")

_EXACT_FORMATS = {"mp3", "flac", "ogg", "aiff", "mov,mp4,m4a,3gp,3g2,mj2"}
"""Formats that declare the length of the sound itself. In the others it is that of a film, or of a careless encoder."""
_ESTIMATE = b"Estimating duration from bitrate"
_UNFINISHED = b"moov atom not found"
_ENDS_EARLY = b"File ended prematurely"
_PACKETS = re.compile(rb"\(audio\): (\d+) packets read")
_PACKET_LOST = re.compile(rb"Error (?:while decoding stream|submitting packet to decoder)")
_MOST_LOST, _FEW_LOST = 0.02, 5
"""Share of packets that may be undecodable, beside a few that are tags or the remains of a cut."""
_AMR = ("amr_nb", "amr_wb")
"""ffmpeg's decoders reject the frames of pauses (RFC 4867 §3.4), which are no damage, also at the end."""

_BOTH_CHANNELS = (
    "aformat=channel_layouts=stereo,channelsplit[left][right];[left]aphaseshift=shift=0[a];"
    "[right]aphaseshift=shift=0.5[b];[a][b]amix=inputs=2"
)
"""A mix with one channel a quarter of a period late, at every frequency: opposite channels do not cancel out."""
_FILLED_PAUSES = "aresample=async=1"
_DIRECT_CURRENT = "astats=measure_perchannel=none:measure_overall=DC_offset"
"""Cheap microphones add a constant, beside which nothing counts as silent."""
_OFFSET = re.compile(rb"DC offset: (-?[\d.]+)")
_LOUDEST = re.compile(rb"histogram_(\d+)db: ")
"""The last one is the level in dBFS that a thousandth of the samples reaches; a single click does not count."""

SILENCE_DBFS, SILENCE_BELOW_SPEECH = -50.0, 30.0
"""Silence at both ends lies below -50 dBFS, and in a quiet recording 30 dB below its speech."""
_SILENCE_SECONDS = 0.6
_FIRST_SILENCE, _FINAL_SILENCE = 0.2, 0.4
_SILENCE = re.compile(r"silence_(start|end): (-?[\d.]+)")
_MEASURABLE = "apad=whole_dur=0.5"
"""Loudness is measured in blocks of 0.4 seconds."""
_SHORT_SECONDS = 3.5
"""The loudness filter, which looks 3 seconds ahead, makes shorter sounds up to 40 dB too quiet."""
_RANGES = {"input_i": (-99.0, 0.0), "input_tp": (-99.0, 99.0), "input_lra": (0.0, 99.0), "input_thresh": (-99.0, 0.0)}
"""What the loudness filter takes: it measures more than 0 LUFS in a siren and accepts at most 0."""

Progress = Callable[[float], None]
"""Receives the completed share, 0 to 1."""


class UnusableSound(HaiChieuError):
    """A sound file cannot be used."""


class NotASound(UnusableSound):
    """The file contains no sound, or its format is not supported."""


class BrokenSound(UnusableSound):
    """The file is damaged or cut off."""


class SilentSound(UnusableSound):
    """The file contains nothing audible."""


class TooLongSound(UnusableSound):
    """The file is too long or too large."""


class NotWritten(EnvironmentProblem):
    """The result could not be written, which says nothing about the sound: a recording must be kept."""


@dataclass(frozen=True)
class TelephoneForms:
    """The playable forms: 16-bit mono WAV at 8 and 16 kHz; `loudness` is that of the source, in LUFS."""

    narrow: Path
    wide: Path
    seconds: float
    loudness: float


@dataclass(frozen=True)
class _Declared:
    """What a file says about its first sound: length (0 if unknown), and whether the length is exact."""

    seconds: float
    exact: bool
    channels: int
    codec: str
    mark: SyntheticMark | None


@dataclass(frozen=True)
class _Decoded:
    """A decoded sound: where it is, how long it is, and how loud its loudest moments are."""

    file: Path
    seconds: float
    dbfs: float
    mark: SyntheticMark | None
    offset: float
    """Its direct current, of full scale."""

    @property
    def centred(self) -> str:
        """The filter that removes the direct current."""
        return f"dcshift=shift={-self.offset:.6f}"


@dataclass(frozen=True)
class _Measured:
    """Where the sound begins and ends, in seconds, and the values of the first pass of the loudness filter."""

    centred: str
    start: float
    end: float
    loudness: float
    first_pass: str


def telephone_forms(
    source: Path,
    folder: Path,
    *,
    most_seconds: float = MOST_SECONDS,
    progress: Progress = lambda share: None,
    recorded: bool = False,
) -> TelephoneForms:
    """Write `narrow.wav` and `wide.wav` of a sound file into `folder`. Blocks: use a thread.

    A mark of synthetic sound in the source, ours or that of another program, is in both.
    With `recorded`, hum, clicks and differences of distance are removed, as from a phone or a microphone.

    Raises UnusableSound, or NotWritten when the disk is full.
    """
    if source.stat().st_size > MOST_BYTES:
        raise TooLongSound("audio.too_large", megabytes=MOST_BYTES // 1_000_000)
    limit = max(60.0, most_seconds)
    try:
        decoded = _decode(source, folder, most_seconds, lambda share: progress(share / 2), CLEANING if recorded else ())
        measured = _measure(decoded, limit)
        seconds = measured.end - measured.start
        if seconds < LEAST_SECONDS:
            raise SilentSound("audio.too_short", least=LEAST_SECONDS)
        narrow, wide = folder / "narrow.wav", folder / "wide.wav"
        forms: list[str | Path] = [*_levelled(measured)]
        for name, rate, file in (("[wide]", WIDEBAND_RATE, wide), ("[narrow]", TELEPHONE_RATE, narrow)):
            forms += ["-map", name, "-map_metadata", "-1", "-fflags", "+bitexact", "-t", str(seconds)]
            forms += ["-ac", "1", "-ar", str(rate), file]
        _require_success(
            convert(decoded.file, forms, limit, lambda done: progress(0.5 + min(done / seconds, 1.0) * 0.5))
        )
    except OutOfTime as problem:
        raise BrokenSound("audio.takes_too_long") from problem
    decoded.file.unlink()
    _require_written(narrow, wide, seconds)
    if decoded.mark is not None:
        write_mark(narrow, decoded.mark)
        write_mark(wide, decoded.mark)
    return TelephoneForms(narrow, wide, round(seconds, 3), measured.loudness)


def _decode(source: Path, folder: Path, most_seconds: float, progress: Progress, cleaning: Sequence[str]) -> _Decoded:
    """Decode a whole file into mono. Raises UnusableSound when it is not whole, or too long."""
    if is_cut_off(source):
        raise BrokenSound("audio.ends_early")
    declared = _declared(source)
    if declared.exact and declared.seconds > most_seconds:
        raise _too_long(declared.seconds, most_seconds)
    limit = max(60.0, most_seconds)
    file = folder / "decoded.flac"
    filters = [_FILLED_PAUSES] if declared.codec in _AMR else []
    filters += [_BOTH_CHANNELS] if declared.channels > 1 else []
    graph = f"[0:a:0]{','.join([*filters, *cleaning, 'volumedetect', _DIRECT_CURRENT])}[mono]"
    output: list[str | Path] = [
        "-filter_complex",
        graph,
        "-map",
        "[mono]",
        "-t",
        str(most_seconds + 1),
        "-ac",
        "1",
        "-ar",
        "48000",
        file,
    ]
    done = convert(
        source, output, limit, lambda seconds: progress(min(seconds / (declared.seconds or seconds or 1.0), 1.0))
    )
    _require_success(done)
    if done.seconds > most_seconds:
        raise _too_long(max(declared.seconds, done.seconds) if declared.exact else 0.0, most_seconds)
    _require_whole(declared, done)
    loudest = _LOUDEST.findall(done.log)
    if not loudest:
        raise SilentSound("audio.silent")
    offset = _OFFSET.findall(done.log)
    return _Decoded(
        file, _seconds_of_flac(file), -float(loudest[-1]), declared.mark, float(offset[-1]) if offset else 0.0
    )


def _declared(source: Path) -> _Declared:
    """Return what the file declares. Raises NotASound, or BrokenSound for a recording that was never finished."""
    entries = "stream=codec_name,channels,duration:format=format_name,duration:stream_tags:format_tags"
    answer = probe(source, "-select_streams", "a:0", "-show_entries", entries, "-of", "json", limit=60.0)
    found = json.loads(answer.output or b"{}")
    if answer.status or not found.get("streams"):
        if _UNFINISHED in answer.log:
            raise BrokenSound("audio.unfinished")
        raise NotASound("audio.not_a_sound")
    stream, container = found["streams"][0], found.get("format", {})
    codec = str(stream.get("codec_name", ""))
    promises = container.get("format_name") in _EXACT_FORMATS or codec.startswith("pcm_")
    exact = "duration" in stream and promises and codec not in _AMR and _ESTIMATE not in answer.log
    seconds = float(stream.get("duration") or container.get("duration") or 0.0)
    tags = [*container.get("tags", {}).values(), *stream.get("tags", {}).values()]
    mark = next((mark for tag in tags if (mark := mark_in(str(tag))) is not None), None)
    return _Declared(seconds, exact, int(stream.get("channels", 1)), codec, mark)


def _require_whole(declared: _Declared, done: Finished) -> None:
    """Raise BrokenSound unless everything that the file declares was decoded."""
    if declared.exact and done.seconds < declared.seconds * 0.98 - FORM_SECONDS:
        raise BrokenSound("audio.cut_off", decoded=round(done.seconds), declared=round(declared.seconds))
    if _ENDS_EARLY in done.log:
        raise BrokenSound("audio.ends_early")
    packets = _PACKETS.search(done.log)
    lost = len(_PACKET_LOST.findall(done.log))
    if declared.codec not in _AMR and packets and lost > int(packets[1]) * _MOST_LOST + _FEW_LOST:
        raise BrokenSound("audio.damaged", percent=min(round(100 * lost / max(int(packets[1]), 1)), 100))


def _measure(decoded: _Decoded, limit: float) -> _Measured:
    """Find the silence at both ends and run the first pass of the loudness filter (EBU R 128). Raises SilentSound."""
    silence = min(SILENCE_DBFS, decoded.dbfs - SILENCE_BELOW_SPEECH)
    find = f"silencedetect=noise={silence}dB:duration={_SILENCE_SECONDS}"
    passes = (
        f"{decoded.centred},{find},{_MEASURABLE},loudnorm=I={LOUDNESS_LUFS}:TP={PEAK_DBTP}:LRA=11:print_format=json"
    )
    command = ["ffmpeg", "-nostdin", "-hide_banner", *INPUT, "-i", str(decoded.file), "-af", passes, *_NOWHERE]
    text = run(command, limit).log.decode(errors="replace")
    figures = json.loads(text[text.rindex("{") : text.rindex("}") + 1]) if "{" in text else {"input_i": "-inf"}
    loudness = float(figures["input_i"])
    if loudness < SILENT_LUFS:
        raise SilentSound("audio.silent")
    clamped = {name: min(max(float(figures[name]), least), most) for name, (least, most) in _RANGES.items()}
    first_pass = ":".join(f"measured_{name.removeprefix('input_')}={value}" for name, value in clamped.items())
    start, end = _ends_of_sound([(kind, float(at)) for kind, at in _SILENCE.findall(text)], decoded.seconds)
    return _Measured(decoded.centred, start, end, loudness, f"{first_pass}:offset={figures['target_offset']}")


def _levelled(measured: _Measured) -> list[str]:
    """Return the filters of the second pass, once for both forms: the loudness filter calculates at 192 kHz.

    A short sound is amplified as a whole, and its peaks are limited.
    """
    trim = f"{measured.centred},atrim=start={measured.start}:end={measured.end},asetpts=PTS-STARTPTS"
    if measured.end - measured.start < _SHORT_SECONDS:
        peak = 10 ** (PEAK_DBTP / 20)
        level = f"volume={LOUDNESS_LUFS - measured.loudness}dB,alimiter=limit={peak}:attack=2:level=disabled"
    else:
        level = f"loudnorm=I={LOUDNESS_LUFS}:TP={PEAK_DBTP}:LRA=11:linear=true:{measured.first_pass}"
    return ["-filter_complex", f"[0:a]{trim},{level},asplit[wide][narrow]"]


def _ends_of_sound(silences: list[tuple[str, float]], whole: float) -> tuple[float, float]:
    """Return where the first silence ends and the final one begins, with a little of both."""
    starts = [at for kind, at in silences if kind == "start"]
    ends = [at for kind, at in silences if kind == "end"]
    first = ends[0] if ends and starts[0] <= 0.0 else 0.0
    to_the_end = len(starts) > len(ends) or (ends and ends[-1] >= whole - 0.1)
    final = max(starts[-1], 0.0) if starts and to_the_end else whole
    return max(first - _FIRST_SILENCE, 0.0), min(final + _FINAL_SILENCE, whole)


def _seconds_of_flac(file: Path) -> float:
    """Return the length that a FLAC file of our own declares (RFC 9639 §8.2)."""
    with file.open("rb") as opened:
        head = opened.read(26)
    return (int.from_bytes(head[21:26]) & 0xFFFFFFFFF) / (int.from_bytes(head[18:21]) >> 4)


def _require_success(done: Finished) -> None:
    """Raise NotWritten when the disk is full, BrokenSound for any other fault that ended ffmpeg."""
    if _DISK_FULL in done.log:
        raise NotWritten("audio.not_written")
    if done.status:
        faults = re.findall(r"\[(?:error|fatal)\] (.+)", done.log.decode(errors="replace"))
        raise BrokenSound("audio.unreadable", why="".join(faults[-1:])[:200])


def _require_written(narrow: Path, wide: Path, seconds: float) -> None:
    """Raise NotWritten unless both forms have their whole length: ffmpeg ends with status 0 even on a full disk."""
    try:
        lengths = [whole_seconds(file) for file in (narrow, wide)]
    except UnreadableSound as problem:
        raise NotWritten("audio.not_written") from problem
    if any(abs(length - seconds) > FORM_SECONDS for length in lengths):
        raise NotWritten("audio.not_written")


def _too_long(seconds: float, most: float) -> TooLongSound:
    """Return the refusal; `seconds` is 0 when only part of the sound was decoded."""
    if not seconds:
        return TooLongSound("audio.over_limit", most=round(most / 3600, 2))
    return TooLongSound("audio.too_long", hours=round(seconds / 3600, 1), most=round(most / 3600, 2))
