"""A table of sentences as offices write them, with what an announcer says."""

import re
from pathlib import Path

import pytest

from haichieu.speech.reading import read_aloud

TABLE = Path(__file__).with_name("official_sentences.tsv")
ROWS = [tuple(line.split("\t")) for line in TABLE.read_text().splitlines() if not line.startswith("#")]
SAME = (("uỷ", "ủy"), ("uý", "úy"), ("hoá", "hóa"), ("hoà", "hòa"), ("khoẻ", "khỏe"), ("thuỷ", "thủy"))
"""Two spellings of one sound."""


def words(text: str) -> list[str]:
    """Return the words that are heard, without signs and capitals."""
    text = text.lower()
    for other, usual in SAME:
        text = text.replace(other, usual)
    return re.findall(r"\w+", text)


def test_the_table_is_large_and_without_repetition() -> None:
    assert len({sentence for sentence, _ in ROWS}) == len(ROWS) >= 300


@pytest.mark.parametrize(("sentence", "said"), ROWS)
def test_sentence_is_read_as_an_announcer_reads_it(sentence: str, said: str) -> None:
    assert words(read_aloud(sentence, "vi")) == words(said)
