"""Voice process: a Piper voice in a process of its own, which reads requests from its standard input.

The station starts it when a text is to be spoken and ends it when no text has come for a while: a loaded voice takes
about 240 MB. A crash of the engine costs this process only. Protocol, lengths big-endian:

    request    one line of JSON with `text` and `speed`
    greeting   `R`, sample rate (4 bytes), once, when the voice is loaded
    answer     any number of `S`, length (4), samples; then `E`, 0 (4)
    failure    `X`, length (4), reason in UTF-8; also in place of the greeting
"""

import json
import os
import struct
import sys
from typing import IO, Any

HEAD = struct.Struct(">cI")
GREETING, SAMPLES, END, FAILURE = b"R", b"S", b"E", b"X"
NICENESS = 5
"""Calls go first."""


def main(model: str) -> int:
    """Load the voice, then speak one text per line until the input ends; return the exit status."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the answers
    os.nice(NICENESS)
    try:
        from piper import SynthesisConfig

        voice = _load(model)
    except Exception as problem:
        _answer(answers, FAILURE, _reason(problem))
        return 1
    answers.write(HEAD.pack(GREETING, voice.config.sample_rate))
    answers.flush()
    for line in sys.stdin.buffer:
        try:
            request = json.loads(line)
            scale = voice.config.length_scale / request["speed"]
            for chunk in voice.synthesize(request["text"], SynthesisConfig(length_scale=scale)):
                _answer(answers, SAMPLES, chunk.audio_int16_bytes)
            _answer(answers, END, b"")
        except BrokenPipeError:
            return 0
        except Exception as problem:
            _answer(answers, FAILURE, _reason(problem))
    return 0


def _load(model: str) -> Any:
    """Load a voice for one processor thread; `PiperVoice.load` would take all."""
    import onnxruntime
    from piper import PiperVoice
    from piper.config import PiperConfig

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with open(f"{model}.json", encoding="utf-8") as config:
        described = PiperConfig.from_dict(json.load(config))
    session = onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])
    return PiperVoice(session=session, config=described)


def _answer(answers: IO[bytes], kind: bytes, content: bytes) -> None:
    answers.write(HEAD.pack(kind, len(content)) + content)
    answers.flush()


def _reason(problem: Exception) -> bytes:
    return f"{type(problem).__name__}: {problem}"[:500].encode()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
