"""Texts that say nothing new: thanks, "ok", a lone thumb, and the reactions that phones send as texts ("tapbacks").

They are read strictly: a text with any other word is a message. What is taken for a courtesy is stored too, in the case
that it answers.
"""

import re
import unicodedata
from collections.abc import Iterable

MOST_WORDS_AHEAD = 10
"""Before the quotation in a reaction, such as "Đã thể hiện cảm xúc 👍 đối với tin nhắn"."""
SHORTEST_QUOTE = 4

_THANKS = re.compile(r"\b(?:cảm ơn|cám ơn|cảm tạ|đa tạ|cam on|camon|cmon|thanks?(?: you)?|thank u|thks|tks|thx|tysm)\b")
_AROUND_THANKS = frozenset(
    re.findall(
        r"\w+",
        """dạ vâng ừ ok oke okie okê okay rồi xin em anh chị bạn tôi mình cháu con bác chú cô ông bà cậu các
        quý vị cán bộ đài xã thôn xóm bản ubnd uỷ ủy ban nhân viên chính quyền lãnh đạo nhiều lắm rất trân
        trọng chân thành đã nhận được tin xử lý giải quyết phản ánh mã số ạ nhé nha nghe và mọi người so
        very much a lot for you your help luôn ad admin luon
        da vang u roi em anh chi ban toi minh chau bac chu co ong ba cac
        quy vi can bo dai xa thon xom nhieu lam rat tran trong chan thanh nhan duoc tin nhe""",
    )
)
_ALONE = frozenset(
    {
        "ok", "oke", "okie", "okey", "okê", "okay", "oki", "kk", "ok rồi", "ok ạ", "ok nhé", "ok vâng", "okay ạ",
        "oke ạ", "vâng", "vâng ạ", "vâng dạ", "vâng ok", "dạ", "dạ ạ", "dạ vâng", "dạ vâng ạ", "dạ ok", "dạ ok ạ",
        "dạ rõ", "ừ", "ừm", "uh", "ờ", "rõ", "đã rõ", "tôi rõ rồi", "đã nhận", "đã nhận được", "tôi đã nhận được",
        "đã biết", "biết rồi", "tốt", "tốt lắm", "tốt quá", "rất tốt", "tuyệt", "tuyệt vời", "hay quá", "nhất trí",
        "got it", "noted", "received", "great", "good", "perfect", "cool", "nice", "vang", "vang a", "da vang",
        "da vang a", "da nhan", "da nhan duoc", "da ro", "tuyet voi", "tot qua", "rat tot", "ok a", "da ok",
        "nghe rõ", "nghe rõ rồi", "good job", "well done", "very good", "haha", "hihi", "hehe", "kkk",
    }
)  # fmt: skip
"""Without diacritics only what has no other meaning: "da roi" may be "đá rơi", a rock fall."""
_CONFIRMS = frozenset(
    {"ok", "oke", "okie", "okey", "okê", "okay", "oki", "okela", "okla", "okok", "kk", "uk", "ukm", "uh", "ừ", "ừm"}
    | {"ờ", "vâng", "dạ", "rõ"}
)
_BESIDE_CONFIRMS = frozenset(
    {"ạ", "nhé", "nha", "nhá", "nhe", "em", "anh", "chị", "bạn", "cô", "chú", "bác", "rồi", "luôn", "r"}
)
_WISHES = frozenset(
    re.findall(
        r"\w+",
        """chúc kính các em anh chị bạn cô chú bác ông bà quý vị cán bộ đài xã luôn một ngày buổi sáng trưa chiều tối
    tuần cuối năm mới tốt lành vui vẻ sức khỏe khoẻ mạnh hạnh phúc thành công bình an may mắn gia đình và nhiều ạ nhé
    nha mọi người công tác""",
    )
)
_FEELINGS = re.compile(
    r"(?<!\S)(?:[:;=]-?[)D*vV3]+|<3+|\^[_.]?\^)(?!\S)|"
    "[\u2639\u263a\u2665\u2705\u2714\u2764\U0001f339\U0001f338\U0001f389\U0001f44a-\U0001f450\U0001f490"
    "\U0001f493-\U0001f49f\U0001f4aa\U0001f4af\U0001f5a4\U0001f600-\U0001f625\U0001f629-\U0001f630\U0001f632-\U0001f64f"
    "\U0001f197\U0001fae1\U0001faf0\U0001faf6"
    "\U0001f90c-\U0001f91f\U0001f923-\U0001f929\U0001f970\U0001f973\U0001f979\U0001f9e1\U0001f90d\U0001f90e]"
)
"""Faces, also made of signs, hands, hearts and flowers; no sign of danger (🆘, 🔥, 😱)."""
_FORMS_OF_EMOJI = re.compile("[\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff]")

_QUOTING = re.compile(r'([^“"«„‘]{1,60}?)\s*[“"«„‘](.+?)\s*[”"»“’]?', re.DOTALL)
_REACTED = re.compile(
    r"(?:liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|reacted\b.{0,30}|removed an? .{1,40} from"
    r"|đã (?:thích|yêu thích|không thích|cười|nhấn mạnh|đặt câu hỏi|bày tỏ|thả|phản ứng|bỏ|gỡ|xóa|xoá)\b.{0,40})"
)
_OF_A_FILE = re.compile(
    rf"({_REACTED.pattern}|\W+)\s*(?:\b(?:to|cho|với|đến|về) )?(?:an? |your |một )?"
    r"(?:image|photo|picture|movie|video|gif|sticker|(?:audio|voice) message|attachment|link"
    r"|hình ảnh|hình|ảnh|video|nhãn dán|tin nhắn thoại|tệp)"
)
_QUOTE_SIGNS = '“”"«»„‘'


def is_courtesy(text: str) -> bool:
    """Return whether a text consists of thanks, a confirmation or signs of feelings."""
    without_forms = _FORMS_OF_EMOJI.sub("", text)
    if "?" in text:
        return False
    bare = _FEELINGS.sub(" ", without_forms)
    felt = bare != without_forms
    words = " ".join(_only_words(bare).split())
    if not words:
        return felt and not any(unicodedata.category(sign) in ("So", "Nd") for sign in bare)
    if any(unicodedata.category(sign) == "So" for sign in bare):
        return False
    said = set(words.split())
    if words.startswith(("chúc ", "kính chúc ")) and said <= _WISHES:
        return True
    if words in _ALONE or (said & _CONFIRMS and said <= _CONFIRMS | _BESIDE_CONFIRMS):
        return True
    rest, thanked = _THANKS.subn(" ", words)
    return bool(thanked) and set(rest.split()) <= _AROUND_THANKS


def is_reaction(text: str, conversation: Iterable[str]) -> bool:
    """Return whether a text is a reaction of a phone to another text, which it quotes: `Liked “…”`, `👍 to “…”`.

    Where its words are not known, it must contain an emoji, and quote the beginning of a text of the conversation.
    """
    plain = _plain(text)
    lead, quoted = _lead_and_quote(plain)
    if not lead:
        found = _OF_A_FILE.fullmatch(plain)
        return found is not None and (found[1][0].isalpha() or _has_emoji(found[1]))
    if any(sign.isdecimal() for sign in lead):
        return False
    if _REACTED.fullmatch(lead):
        return not any(sign in quoted for sign in _QUOTE_SIGNS) or _is_of(quoted, conversation)
    return _has_emoji(lead) and len(lead.split()) <= MOST_WORDS_AHEAD and _is_of(quoted, conversation)


def _has_emoji(text: str) -> bool:
    return any(unicodedata.category(sign) in ("So", "Sk") for sign in text)


def _lead_and_quote(plain: str) -> tuple[str, str]:
    found = _QUOTING.fullmatch(plain)
    if found is None:
        return "", ""
    return found[1].strip(), found[2].strip().rstrip("….").strip()


def _is_of(quoted: str, conversation: Iterable[str]) -> bool:
    return any(
        said == quoted or (len(quoted) >= SHORTEST_QUOTE and said.startswith(quoted))
        for said in (_plain(text) for text in conversation)
    )


def _plain(text: str) -> str:
    """Return a text in small letters and single spaces, without invisible signs, which phones put around emoji."""
    visible = "".join(sign for sign in unicodedata.normalize("NFC", text) if unicodedata.category(sign) != "Cf")
    return " ".join(visible.casefold().split())


def _only_words(text: str) -> str:
    composed = unicodedata.normalize("NFC", text.casefold())
    return "".join(sign if sign.isalnum() else " " for sign in composed)
