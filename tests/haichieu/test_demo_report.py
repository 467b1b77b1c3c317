"""The printed evidence of the demonstration, in one language."""

from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from haichieu.audio.sound import Sound, read_wav
from haichieu.demo import live
from haichieu.demo.circle import Circle
from haichieu.demo.listeners import Listener
from haichieu.demo.live import Aired, Heard, Missed, Recording, Report, Sent, _print
from haichieu.demo.programmes import OnSpeaker


@pytest.mark.parametrize(
    ("language", "present", "absent"),
    [
        (
            "en",
            ("What each speaker heard", "province", "cb-03", "software", "baresip 1.0.0", "switched off", "PROVEN"),
            "tắt",
        ),
        ("vi", ("cụm loa", "của tỉnh", "cb-03", "phần mềm", "baresip 1.0.0", "tắt", "ĐẠT"), "off"),
    ],
)
def test_evidence_is_printed_in_one_language(
    language: str, present: tuple[str, ...], absent: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report(
        ok=True,
        broadcast=Aired(1, "ended", "Nguyễn Thị Lan", "Khu 11", 1.0, 12.0),
        sent=Sent(12.0, 10.5, -20.0),
        heard=[Heard("cb-01", "baresip 1.0.0", 0.97, 1.0, 10.5, -21.0, "played", 12.0, 0.0, True)],
        missed=[Missed("cb-04", "missed", "tắt", "switched off", True)],
        recording=Recording(True, 12.0, 0.97, True),
        circle=Circle("Tin", 8.2, [OnSpeaker("cb-03", 0.98, 5.8, "played")], ["aired"], {"cb-03": "played"}, True),
    )
    in_language = mock.Mock(return_value=language)
    with (
        mock.patch("haichieu.command_language.language", in_language),
        mock.patch("haichieu.demo.live.language", in_language),
    ):
        _print(report)
    printed = capsys.readouterr().out
    assert all(words in printed for words in present), printed
    assert absent not in printed


def test_recordings_of_the_speakers_are_left_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live, "RECORDINGS", tmp_path / "demo")
    heard = Sound(np.full(8000, 0.25, np.float32), 8000)
    files = live._leave_recordings({"cb-01": Listener("baresip 1.0.0", lambda: heard)})
    assert read_wav(tmp_path / "demo" / "cb-01.wav").seconds == 1.0
    report = Report(
        ok=True, broadcast=Aired(1, "ended", "Lan", "Khu 11", 1.0, 12.0), sent=Sent(12.0, 10.5, -20.0), heard=[],
        missed=[], recording=Recording(True, 12.0, 0.97, True), recordings=files,
    )  # fmt: skip
    _print(report)
    assert str(tmp_path) in "".join(capsys.readouterr().out.split())
