import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast_bridge.alerts.languages import UNKNOWN_LANGUAGE, language_of

FRENCH = "Crue soudaine : évacuez immédiatement vers les hauteurs, le fleuve monte très rapidement."
ENGLISH = "Flash flood on Gâm river in Bảo Lạc, Cao Bằng. Move to higher ground."
VIETNAMESE = "Nước sông đang dâng rất nhanh. Bà con hãy lên nơi cao ngay."


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        *(("vi", "vi"), ("VI", "vi"), ("vi-VN", "vi"), ("vi_VN", "vi"), ("vi-Latn-VN", "vi"), (" vi ", "vi")),
        *(("vie", "vi"), ("VIE", "vi"), ("vie-VN", "vi"), ("vn", "vi"), ("VN", "vi"), ("vn-VN", "vi"), ("VNM", "vi")),
        *(("Vietnamese", "vi"), ("Tiếng Việt", "vi"), ("tiếng việt", "vi"), ("Vietnam", "vi"), ("Việt Nam", "vi")),
        *(("Vietnamese (Vietnam)", "vi"), ("vi, en", "vi"), ("vi;q=0.8", "vi")),
        *(("eng", "en"), ("en-US", "en"), ("US", "en"), ("uk", "uk"), ("English", "en")),
        *(
            ("zh", "zh"),
            ("zho", "zh"),
            ("chi", "zh"),
            ("cmn-Hans-CN", "zh"),
            ("CN", "zh"),
            ("fre", "fr"),
            ("fra", "fr"),
        ),
        *(("hmn", "hmn"), ("tyz", "tyz"), ("nut", "nut")),
        *(("x-klingon", UNKNOWN_LANGUAGE), ("?", UNKNOWN_LANGUAGE), ("9", UNKNOWN_LANGUAGE), ("qwerty", "und")),
    ],
)
def test_language_is_recognised_however_it_is_written(tag: str, language: str) -> None:
    assert language_of(tag, "Flood") == language


@pytest.mark.parametrize(
    ("tag", "text", "language"),
    [
        *(("", VIETNAMESE, "vi"), ("", "Lũ quét", "vi"), ("", VIETNAMESE.upper(), "vi"), ("", "Bão số 5", "vi")),
        *(("", ENGLISH, "en"), ("", FRENCH, "en"), ("", "", "en"), ("", "Lu quet tren song Gam", "en")),
        *(("", "山洪预警", UNKNOWN_LANGUAGE), ("", "น้ำท่วม", UNKNOWN_LANGUAGE)),
        *(
            ("und", VIETNAMESE, "vi"),
            ("mul", VIETNAMESE, "vi"),
            ("Tieng Viet", VIETNAMESE, "vi"),
            ("x-none", FRENCH, "und"),
        ),
        *(("mul", ENGLISH, "mul"), ("?", "山洪预警", UNKNOWN_LANGUAGE)),
        *(("en-US", VIETNAMESE, "vi"), ("en-US", ENGLISH, "en"), ("tyz", VIETNAMESE, "tyz"), ("fr", VIETNAMESE, "fr")),
    ],
)
def test_text_decides_where_the_tag_is_missing_or_a_default(tag: str, text: str, language: str) -> None:
    assert language_of(tag, text) == language


def test_decomposed_letters_are_recognised_too() -> None:
    assert language_of("", "Nu\u031bo\u031b\u0301c so\u0302ng \u0111ang da\u0302ng") == "vi"


@given(st.text(max_size=40), st.text(max_size=80))
def test_any_tag_gives_a_language_that_can_be_stored(tag: str, text: str) -> None:
    assert 2 <= len(language_of(tag, text)) <= 20
