"""Thanks and reactions are distinguished from messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.texts import receipts
from feedback.texts.courtesies import is_courtesy, is_reaction

OURS = receipts.acknowledgement("12345678", "vi")
ENGLISH = receipts.acknowledgement("12345678", "en")
THANKS = ["cảm ơn", "Cảm ơn!", "cám ơn nhiều", "cam on", "ok", "OK 👍", "Oke ạ", "thanks", "Thank you so much"]
EMOJI = ["👍", "👍🏽", "❤️", "🙏🙏", "😂", "👌 "]


@pytest.mark.parametrize(
    "text",
    [*THANKS, *EMOJI, "Dạ, em cảm ơn anh chị nhiều ạ", "Xin cảm ơn cán bộ xã", "Vâng ạ.", "Đã nhận được", "tốt quá",
     "ok ok", "Ok em", "Okela", "oki nha", "ukm", "vâng bác ạ", "camon", ":)", "<3", "ok :D", "🫡", "🆗", "🫶",
     "ok cảm ơn đài nhé", "cảm ơn đã giải quyết phản ánh số", "Tuyệt vời ❤️❤️",
     "thks ad", "ok r", "oke r nha", "nghe rõ", "haha", "Good job", "cảm ơn nhiều lắm luôn",
     "Chúc một ngày tốt lành", "kính chúc quý đài sức khỏe ạ"],
)  # fmt: skip
def test_thanks_and_lone_signs_are_courtesies(text: str) -> None:
    assert is_courtesy(receipts.clean(text))


@pytest.mark.parametrize(
    "text",
    ["Cầu hỏng", "da roi", "đá rơi", "Cảm ơn, nhưng cầu vẫn hỏng", "ok nhưng mất điện", "cảm ơn?", "?", "...", "🆘",
     "😱", "🔥🔥", "👍 mất nước", "không", "có", "chưa", "cảm ơn 5", "", "ok 113", "cám lợn chết", "Tot nuoc ngap",
     "ok chưa", "rồi", "em", "vâng nhưng hỏng", ":(", "được", "da roi em", "chúc",
     "rồi r", "chúc mừng cầu hỏng", "chúc cán bộ xã mất điện"],
)  # fmt: skip
def test_text_with_another_word_is_a_message(text: str) -> None:
    assert not is_courtesy(text)


@pytest.mark.parametrize(
    "text",
    [
        f"Liked “{OURS}”", f"Loved “{OURS[:40]}…”", f"Emphasized “{OURS}”", f'Laughed at "{OURS}"',
        f"Disliked “{ENGLISH}”", f"Questioned “{OURS[:30]}...”", f"Removed a like from “{OURS}”",
        f"Reacted 🙏 to “{OURS}”", "Liked an image", f"Đã thích “{OURS}”", f"Đã yêu thích “{OURS}”",
        f"Đã bày tỏ cảm xúc 👍 với “{OURS}”", f"Đã thả tim “{OURS[:25]}…”",
        f"\u200a\u200b👍\u200b to “\u200a{OURS}\u200a”",
        f"👍 cho “{OURS}”", f"❤️ đến “{OURS[:20]}…”", "Liked “1234 5678…”",
        "Đã thích một hình ảnh", "Reacted 👍 to an image", "👍 to a photo", "❤️ đến một ảnh", "Liked a voice message",
        "Loved a sticker", f"Loved ‘{OURS}’", f"Đã thể hiện cảm xúc 👍 đối với tin nhắn “{OURS}”",
    ],
)  # fmt: skip
def test_reaction_of_a_phone_is_recognised(text: str) -> None:
    assert is_reaction(receipts.clean(text), [OURS, ENGLISH])


@pytest.mark.parametrize(
    "text",
    ["Tôi hỏi “bao giờ sửa cầu”", f"“{OURS}” sai rồi", f"Liked “{OURS}” but the bridge is broken", "👍 “mất điện”",
     "Liked", "ảnh", ": ảnh", "gửi một ảnh", "Dân nói ‘mất điện’",
     f"Tôi không đồng ý với “{OURS}”", "Đã thích", "Đài đã đọc “tin bão” chưa?"],
)  # fmt: skip
def test_quotation_with_words_of_its_own_is_a_message(text: str) -> None:
    assert not is_reaction(text, [OURS])


@given(
    st.lists(st.sampled_from(THANKS + EMOJI), min_size=1, max_size=3),
    st.sampled_from(["cầu", "hỏng", "nước", "ngập", "113"]),
)
def test_no_courtesy_hides_a_word_of_news(polite: list[str], news: str) -> None:
    assert not is_courtesy(" ".join([*polite, news]))
    assert not is_courtesy(" ".join([news, *polite]))


@given(st.text(max_size=80), st.lists(st.text(max_size=40), max_size=3))
def test_any_text_is_judged(text: str, conversation: list[str]) -> None:
    assert is_courtesy(text) in (True, False)
    assert is_reaction(text, conversation) in (True, False)
