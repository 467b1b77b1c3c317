"""The delivered sentences, and how values get into them."""

import pytest

from ivr.prompts.prompt_texts import BadPromptFile, MissingVariable, PromptTexts, UnknownPrompt, digit_by_digit

TEXTS = PromptTexts.delivered()


def test_both_languages_have_the_same_prompts_with_the_same_values() -> None:
    assert TEXTS.languages == {"vi", "en"}
    assert TEXTS.keys("vi") == TEXTS.keys("en")
    for key in TEXTS.keys("vi"):
        assert values_in(key, "vi") == values_in(key, "en") == TEXTS.variables(key), key


def values_in(key: str, language: str) -> set[str]:
    """Fill every value with a sign of its own, and see which signs are in the sentence."""
    signs = {name: chr(0x2460 + number) for number, name in enumerate(sorted(TEXTS.variables(key)))}
    sentence = TEXTS.render(key, language, signs)
    return {name for name, sign in signs.items() if sign in sentence}


def test_values_are_filled_in() -> None:
    said = TEXTS.render("live-result", "vi", {"heard": 11, "total": 12, "zone": "not in the sentence"})
    assert said == "Đã kết thúc. 11 trên 12 cụm loa đã phát."


def test_a_code_is_read_digit_by_digit() -> None:
    assert TEXTS.render("unknown-zone", "vi", {"code": "105"}) == "Không có khu vực mang mã một không năm."
    assert digit_by_digit("10*#", "en") == "one zero star hash"
    assert digit_by_digit("7", "tyz") == "seven"


def test_a_value_cannot_smuggle_in_another() -> None:
    assert "{total}" in TEXTS.render("live-result", "en", {"heard": "{total}", "total": 12})


def test_what_is_missing_is_named() -> None:
    with pytest.raises(MissingVariable, match="total"):
        TEXTS.render("live-result", "vi", {"heard": 11})
    with pytest.raises(UnknownPrompt, match="sing"):
        TEXTS.render("sing", "vi", {})
    with pytest.raises(UnknownPrompt):
        TEXTS.render("goodbye", "tyz", {})
    with pytest.raises(UnknownPrompt):
        TEXTS.variables("sing")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("Goodbye", "Xin chào."),
        ("good_bye", "Xin chào."),
        ("../goodbye", "Xin chào."),
        ("goodbye", ""),
        ("goodbye", "Xin chào {name!r}."),
        ("goodbye", "Xin chào {name.first}."),
        ("goodbye", "Xin chào {name:money}."),
        ("goodbye", "Xin chào {name."),
    ],
)
def test_a_wrong_key_or_template_is_refused(key: str, text: str) -> None:
    with pytest.raises(BadPromptFile, match="vi"):
        PromptTexts({"vi": {key: text}})
