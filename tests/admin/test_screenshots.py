"""The pictures in the documentation: there for every page in both languages, small, and shown."""

import pytest

from tests.admin.screenshots.__main__ import BEGINNING, FOLDER, MOST_BYTES, SHOTS

NAMES = [shot.name for shot in (*SHOTS, BEGINNING)]
GALLERY = (FOLDER.parent / "screenshots.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_its_pictures_and_they_are_shown(name: str) -> None:
    for kind in ("vi", "en", "vi.360"):
        assert (FOLDER / f"{name}.{kind}.png").stat().st_size <= MOST_BYTES
        assert f"(screenshots/{name}.{kind}.png)" in GALLERY


def test_no_picture_is_left_of_a_page_that_is_gone() -> None:
    assert {file.name.partition(".")[0] for file in FOLDER.iterdir()} == set(NAMES)
