import dataclasses

import numpy as np
import pytest

from feedback.transcription.confidence import judge
from feedback.transcription.engine import Passage, Word
from feedback.transcription.voice import PIECE_SECONDS, pieces
from haichieu.audio.sound import Sound

SAID = Passage(
    " Cầu treo  bị hỏng", 0.0, 2.0,
    (Word("Cầu", 0.0, 0.5, 0.9), Word("treo", 0.5, 1.0, 0.8), Word("bị", 1.0, 1.5, 0.9), Word("hỏng", 1.5, 2.0, 0.6)),
    1.2, -0.3, 0.1,
)  # fmt: skip


def test_what_is_sure_is_kept_with_its_confidence() -> None:
    understood = judge([SAID], 2.0)
    assert (understood.text, understood.confidence, understood.doubtful) == ("Cầu treo bị hỏng", 0.8, False)
    assert understood.words[0].as_json() == {"w": "Cầu", "s": 0.0, "e": 0.5, "p": 0.9}


@pytest.mark.parametrize(
    "changed",
    [
        {"compression_ratio": 2.5},
        {"mean_log_probability": -1.1},
        {"words": (Word("Cầu", 0.0, 0.5, 0.3),)},
    ],
)
def test_guesses_and_repetitions_are_kept_and_doubtful(changed: dict[str, object]) -> None:
    understood = judge([dataclasses.replace(SAID, **changed)], 2.0)  # type: ignore[arg-type]
    assert (understood.text, understood.doubtful) == ("Cầu treo bị hỏng", True)


@pytest.mark.parametrize(
    "changed",
    [
        {"no_speech": 0.76, "mean_log_probability": -0.72},
        {"compression_ratio": 11.0},
        {"text": "Hãy subscribe cho kênh Ghiền Mì Gõ"},
    ],
)
def test_invented_words_are_dropped_and_marked_for_a_person(changed: dict[str, object]) -> None:
    understood = judge([SAID, dataclasses.replace(SAID, **changed)], 4.0)  # type: ignore[arg-type]
    assert (understood.text, understood.doubtful) == ("Cầu treo bị hỏng", True)


@pytest.mark.parametrize(
    "text",
    [
        "Cho tôi hỏi cách đăng ký kênh để xem truyền hình của xã, nhà tôi bị mất tín hiệu",
        "Có người lạ gọi bảo tôi subscribe cho kênh của họ rồi mất tài khoản",
        "Con tôi không bỏ lỡ những video dạy học nhưng mạng của thôn rất chậm",
    ],
)
def test_real_sentence_with_a_learned_phrase_is_kept_and_marked(text: str) -> None:
    understood = judge([dataclasses.replace(SAID, text=text, words=())], 4.0)
    assert (understood.text, understood.doubtful) == (text, True)


@pytest.mark.parametrize(
    "closing",
    [
        "Hẹn gặp lại các bạn trong những video tiếp theo.",
        "Cảm ơn các bạn đã xem!",
        "Hãy đăng ký cho kênh La La School.",
        "Phụ đề được thực hiện bởi cộng đồng Amara.org",
        "Thank you for watching this video.",
        "♪ ♪",
    ],
)
def test_closing_words_of_videos_are_marked_for_a_person(closing: str) -> None:
    assert judge([SAID, dataclasses.replace(SAID, text=closing, words=())], 4.0).doubtful


@pytest.mark.parametrize(
    "invented",
    [
        "Hãy subscribe cho kênh Ghiền Mì Gõ Để không bỏ lỡ những video hấp dẫn",
        "Các bạn hãy đăng ký kênh để ủng hộ kênh của mình nhé!",
        "Thanks for watching!",
    ],
)
def test_invented_sentence_is_dropped_and_the_rest_of_it_kept(invented: str) -> None:
    said = SAID.words + tuple(Word(word, 2.0, 3.0, 0.1) for word in invented.split())
    both = dataclasses.replace(SAID, text=f"Cầu treo bị hỏng. {invented}", words=said)
    understood = judge([both], 4.0)
    assert (understood.text, understood.words, understood.doubtful) == ("Cầu treo bị hỏng.", SAID.words, True)


def test_speech_without_a_word_of_it_is_doubtful_and_silence_is_not() -> None:
    assert judge([], 3.0).doubtful
    assert not judge([], 0.0).doubtful


def test_an_engine_without_probabilities_has_no_confidence() -> None:
    understood = judge([Passage("cầu treo", 0.0, 1.0)], 1.0)
    assert (understood.text, understood.confidence, understood.doubtful) == ("cầu treo", None, False)


@pytest.mark.parametrize("seconds", [0, 1, 28, 29, 30, 600])
def test_a_long_sound_is_cut_into_pieces_that_make_the_whole(seconds: int) -> None:
    samples = np.random.default_rng(2).normal(0, 0.1, seconds * 8000).astype(np.float32)
    found = list(pieces(Sound(samples, 8000)))
    assert np.array_equal(np.concatenate([np.zeros(0, np.float32), *(piece.samples for _, piece in found)]), samples)
    assert all(piece.seconds <= PIECE_SECONDS for _, piece in found)
    assert [begin for begin, _ in found] == pytest.approx(
        [sum(piece.seconds for _, piece in found[:index]) for index in range(len(found))]
    )


def test_a_cut_falls_where_it_is_quiet() -> None:
    samples = np.full(40 * 8000, 0.2, np.float32)
    samples[int(24.2 * 8000) : int(24.5 * 8000)] = 0.0
    (_, first), _ = pieces(Sound(samples, 8000))
    assert 24.2 <= first.seconds <= 24.5
