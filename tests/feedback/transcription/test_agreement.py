"""Agreement of engines and hearings, word by word, and numbers as people write them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.transcription.agreement import AGREED, STEADY, UNSTEADY, agreed, aligned
from feedback.transcription.engine import Heard, Passage, Word
from feedback.transcription.recognition import understand
from feedback.transcription.two_engines import TwoEngines
from feedback.transcription.written_numbers import written
from haichieu.audio.sound import Sound

SENTENCE = "cầu treo bị hỏng rồi"


def timed(text: str, probability: float = 0.8) -> list[Word]:
    return [Word(word, at * 0.5, at * 0.5 + 0.4, probability) for at, word in enumerate(text.split())]


def hear(second: str, *hearings: str) -> tuple[str, list[float], bool]:
    result = agreed([one.split() for one in hearings], timed(second), 5.0)
    return " ".join(word.text for word in result.words), [word.probability for word in result.words], result.doubtful


def test_words_of_both_engines_are_trusted_with_the_seconds_times() -> None:
    result = agreed([SENTENCE.split()] * 3, timed("Cầu treo, bị hỏng rồi."), 5.0)
    assert [word.text for word in result.words] == ["Cầu", "treo,", "bị", "hỏng", "rồi."]
    assert [(word.begin, word.probability) for word in result.words] == [(at * 0.5, AGREED) for at in range(5)]
    assert not result.doubtful


def test_word_that_the_second_engine_mishears_is_kept_when_it_is_steady() -> None:
    text, certainty, doubtful = hear("cầu treo bị hông rồi", *[SENTENCE] * 3)
    assert (text, certainty[3], doubtful) == (SENTENCE, STEADY, False)


def test_word_that_is_heard_differently_each_time_is_doubtful() -> None:
    text, certainty, doubtful = hear("cầu treo bị bỏng rồi", SENTENCE, "cầu treo bị họng rồi", "cầu treo bị hòn rồi")
    assert (text, certainty[3], doubtful) == (SENTENCE, UNSTEADY, True)


def test_missing_word_is_taken_from_another_hearing_and_whisper() -> None:
    text, _, _ = hear("Cái cầu treo bị hỏng rồi", SENTENCE, f"cái {SENTENCE}", f"cái {SENTENCE}")
    assert text == f"Cái {SENTENCE}"


def test_sure_word_that_the_first_engine_never_heard_is_doubtful() -> None:
    text, _, doubtful = hear("cầu treo bị hỏng không rồi", *[SENTENCE] * 3)
    assert (text, doubtful) == (SENTENCE, True)


def test_invented_sentence_never_replaces_what_the_other_heard() -> None:
    text, _, doubtful = hear("Hãy subscribe cho kênh Ghiền Mì Gõ", *[SENTENCE] * 3)
    assert (text, doubtful) == (SENTENCE, False) or doubtful


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=8)


@given(WORDS, WORDS)
def test_alignment_keeps_every_word_once_and_in_order(first: list[str], other: list[str]) -> None:
    pairs = aligned(first, other)
    assert [one for one, _ in pairs if one is not None] == list(range(len(first)))
    assert [one for _, one in pairs if one is not None] == list(range(len(other)))


@given(WORDS, WORDS, WORDS)
def test_times_never_run_backwards(first: list[str], other: list[str], second: list[str]) -> None:
    result = agreed([first, other, other], timed(" ".join(second)), 9.0)
    begins = [word.begin for word in result.words]
    assert begins == sorted(begins)
    assert all(word.end >= word.begin >= 0 for word in result.words)


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ("ngày mười lăm tháng tám", "ngày 15 tháng 8"),
        ("ngày năm tháng tư năm hai nghìn không trăm hai mươi sáu", "ngày 5 tháng 4 năm 2026"),
        ("bảy giờ ba mươi phút sáng", "7 giờ 30 phút sáng"),
        ("một triệu năm trăm nghìn đồng", "1.500.000 đồng"),
        ("mười lăm triệu đồng", "15 triệu đồng"),
        ("hai mươi lăm phần trăm", "25%"),
        ("ba phẩy năm mét", "3,5 mét"),
        ("không chín một hai ba bốn năm sáu bảy tám", "0912345678"),
        ("năm hai không hai sáu", "năm 2026"),
        ("một trăm lẻ năm hộ", "105 hộ"),
        ("một người nói với hai người", "một người nói với hai người"),
        ("năm nay mất mùa", "năm nay mất mùa"),
        ("không ai đến", "không ai đến"),
        ("thứ hai, thứ ba", "thứ hai, thứ ba"),
        ("thôn năm", "thôn 5"),
        ("hai ngàn không trăm hai sáu", "2.026"),
        ("một trăm hai sáu hộ", "126 hộ"),
        ("một trăm linh sáu", "106"),
        ("hai lăm tháng chạp, ba mốt tháng mười", "25 tháng chạp, 31 tháng 10"),
        ("nước lên ba bốn mét", "nước lên ba bốn mét"),
        ("hai tư vấn viên", "hai tư vấn viên"),
        ("một tỷ hai trăm triệu đồng", "1 tỷ 200 triệu đồng"),
        ("gọi một một bốn", "gọi 114"),
        ("một một bốn người", "một một bốn người"),
    ],
)
def test_numbers_are_written_as_people_write_them(spoken: str, expected: str) -> None:
    assert " ".join(word.text for word in written(timed(spoken))) == expected


@given(
    st.lists(st.sampled_from(["một", "năm", "mười", "mươi", "trăm", "nghìn", "triệu", "lẻ", "phẩy", "nhà"]), max_size=9)
)
def test_writing_numbers_loses_no_time_and_raises_nothing(spoken: list[str]) -> None:
    words = timed(" ".join(spoken))
    found = written(words)
    assert [word.begin for word in found] == sorted(word.begin for word in found)
    assert not words or (found[0].begin, found[-1].end) == (words[0].begin, words[-1].end)


class Scripted:
    """One of the engines, which hears what the test gives it."""

    name = model = "scripted"

    def __init__(self, heard: Heard) -> None:
        self.heard = heard

    def knows(self, language: str) -> bool:
        return language == "vi"

    def load(self) -> None:
        pass

    def listen(self, sound: Sound, language: str) -> Heard:
        return self.heard


def test_silence_is_heard_by_no_engine() -> None:
    silent = Scripted(Heard((), 0.0))
    both = TwoEngines(silent, Scripted(Heard((Passage("à", 0.0, 1.0),), 1.0)))  # type: ignore[arg-type]
    understood = understand(both, Sound(np.zeros(8000, np.float32), 8000), "vi")
    assert (understood.text, understood.doubtful) == ("", False)


def test_words_that_only_whisper_heard_are_doubtful() -> None:
    heard = Heard((Passage("Hãy đến xem", 0.0, 1.0, tuple(timed("Hãy đến xem"))),), 2.0)
    both = TwoEngines(Scripted(heard), Scripted(Heard((), 2.0)))  # type: ignore[arg-type]
    understood = understand(both, Sound(np.zeros(8000, np.float32), 8000), "vi")
    assert (understood.text, understood.doubtful) == ("Hãy đến xem", True)
