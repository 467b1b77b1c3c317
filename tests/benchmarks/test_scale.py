"""The page on scale says what is computed from the page of benchmarks."""

from dataclasses import replace
from pathlib import Path

from tests.benchmarks.scale import BEGIN, BENCHMARKS, END, Province, constants, page, table

ROOT = Path(__file__).parents[2]


def test_page_on_scale_is_computed_from_what_was_measured() -> None:
    text = (ROOT / "docs/scale.md").read_text()
    assert text.partition(BEGIN)[2].partition(END)[0].strip() == page()


def test_twice_the_speakers_register_twice_as_often() -> None:
    measured = constants(BENCHMARKS.read_text("utf-8"))
    once, twice = (
        {what: value for what, value, _ in table(given, measured)}
        for given in (Province(), replace(Province(), speakers=20_000))
    )
    assert (once["registrations a second, all"], twice["registrations a second, all"]) == ("167", "333")
