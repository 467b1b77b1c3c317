"""Sound files: reading, writing, levels and tones.

Samples are mono float32 between -1 and 1 with their rate; files are 16-bit WAV. Speech synthesis lives in
`haichieu.speech.synthesis`, telephone calls in `haichieu.sip.endpoint`.

    AudioError
    └── UnreadableSound     the file is missing, is no WAV, or has a sample format we do not read
"""

from haichieu.audio.errors import AudioError, UnreadableSound
from haichieu.audio.sound import Levels, Sound, measure, read_wav, resample, write_wav
from haichieu.audio.tones import attention_chime, closing_chime, ready_beep, siren, write_tones
from haichieu.audio.wav_recording import WavRecording

__all__ = [
    "AudioError",
    "Levels",
    "Sound",
    "UnreadableSound",
    "WavRecording",
    "attention_chime",
    "closing_chime",
    "measure",
    "read_wav",
    "ready_beep",
    "resample",
    "siren",
    "write_tones",
    "write_wav",
]
