"""Repair by names that the station knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.transcription.engine import Word
from feedback.transcription.known_names import corrected_names, repaired, sound_of

NAMES = ("Bảo Lạc", "Cô Ba", "Nông Văn Dũng", "Sơn")


def words(text: str, doubtful: str = "") -> list[Word]:
    unsure = doubtful.split()
    return [Word(word, at, at + 0.5, 0.3 if word in unsure else 0.9) for at, word in enumerate(text.split())]


@pytest.mark.parametrize(
    ("heard", "doubtful", "expected"),
    [
        ("ở bão lạc, ạ", "bão lạc,", "ở Bảo Lạc, ạ"),
        ("ông lông văn dũng", "lông", "ông Nông Văn Dũng"),
        ("ở bão lạc ạ", "", "ở bão lạc ạ"),  # trusted words stay
        ("ở bờ lạc ạ", "bờ", "ở bờ lạc ạ"),  # does not sound alike
        ("cô ba", "cô", "cô ba"),  # nothing differs: these may be other words
        ("sờn", "sờn", "sờn"),
    ],
)
def test_only_doubtful_words_become_names_that_sound_alike(heard: str, doubtful: str, expected: str) -> None:
    assert " ".join(word.text for word in repaired(words(heard, doubtful), NAMES)) == expected


@given(st.lists(st.sampled_from(["bão", "lạc", "cô", "ba", "nhà"]), max_size=8))
def test_repair_keeps_times_and_certainties(heard: list[str]) -> None:
    before = words(" ".join(heard), "bão lạc")
    after = repaired(before, NAMES)
    assert [(word.begin, word.end, word.probability) for word in after] == [
        (word.begin, word.end, word.probability) for word in before
    ]


@pytest.mark.parametrize(
    ("original", "corrected", "names"),
    [
        ("tôi ở bão lạc đây", "Tôi ở Bảo Lạc đây", ["Bảo Lạc"]),
        ("tôi ở Bảo lạt đây", "Tôi ở Bảo Lạc đây", ["Bảo Lạc"]),
        ("tôi ở nhà đây", "Tôi ở làng đây", []),
        ("tôi ở đây", "Tôi ở tận Bảo Lạc đây", []),
    ],
)
def test_names_are_learned_from_what_a_person_corrected(original: str, corrected: str, names: list[str]) -> None:
    assert corrected_names(original, corrected) == names


@pytest.mark.parametrize(("one", "other"), [("da", "gia"), ("trâu", "châu"), ("xã", "sá"), ("lông", "nông")])
def test_syllables_that_are_confused_sound_alike(one: str, other: str) -> None:
    assert sound_of(one) == sound_of(other)
    assert sound_of(one) != sound_of("quyền")
