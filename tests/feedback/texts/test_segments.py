import pytest

from feedback.texts.segments import segments


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 100, 2),  # the escape and its letter stay together: 152 + (2 + 100)
        ("a" * 152 + "€" + "a" * 152, 3),  # … so 152 and 153 are full, and one letter is left
        ("ề" * 70, 1),
        ("ề" * 71, 2),
        ("ề" * 134, 2),
        ("ề" * 135, 3),
        ("a" * 69 + "đ", 1),
        ("a" * 70 + "đ", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),  # 33 whole pairs in 67 units
        ("😀" * 67, 3),
        ("à la carte", 1),
        ("à" * 71, 1),
        ("á" * 71, 2),
    ],
)
def test_texts_are_counted_as_the_standard_says(text: str, parts: int) -> None:
    assert segments(text) == parts
