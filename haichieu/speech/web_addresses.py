"""Web and mail addresses as they are said: nobody can note down a path, so only the name of the site is read."""

import re

from haichieu.speech.letters import by_digits, spelled

_ENDING = "vn|com|net|org|edu|gov|info|me|ly|tv|io|app|asia|link|page|xyz|online|site|shop"
_HOST = rf"(?:[\w-]+\.)+(?:{_ENDING})(?![\w-])(?!\.\w)"
_REST = r"(?::\d+)?(?:/(?:[^\s()<>,;]*[^\s()<>,;.!?:])?)?(?:[?#][^\s()<>]*[^\s()<>,;.!?:])?"
_MAIL = re.compile(rf"(?<![\w.+-])([\w.+-]+@{_HOST})", re.IGNORECASE)
_SITE = rf"(?:https?://(?:www\.)?|www\.)?(?P<host>{_HOST}){_REST}"
_ASIDE = re.compile(rf"\s*[(\[][^()\[\]@]{{0,24}}?(?<![\w@.-]){_SITE}\s*[)\]]", re.IGNORECASE)
"""A source in brackets is for the eye."""
_IN_TEXT = re.compile(
    r"(?:(?<!\w)(?P<at>tại|ở|trên|vào|qua|theo) )?"
    r"(?P<noun>(?:(?<!\w)(?:địa chỉ|đường dẫn|đường link|liên kết|link|trang web|website|oép sai|web|trang) ?:? )*)"
    rf"(?<![\w@.-]){_SITE}",
    re.IGNORECASE,
)
_OTHER = re.compile(r"https?://\S*[^\s.,;)\]]", re.IGNORECASE)
_NAMED = re.compile(r"(?:cổng|trang) (?:thông tin|dịch vụ)[\w ]*:? ?$", re.IGNORECASE)

_PUNCTUATION = {".": "chấm", "@": "a còng", "-": "gạch ngang", "_": "gạch dưới", "+": "cộng"}
_LABELS = {
    "gov": "gờ ô vê",
    "edu": "e đu",
    "vn": "vê nờ",
    "net": "nét",
    "com": "com",
    "org": "o rờ gờ",
    "info": "in phô",
    "ubnd": "u bê nờ đê",
    "hdnd": "hát đê nờ đê",
    "gmail": "gờ meo",
    "yahoo": "da hu",
    "vneid": "vi en i ai đi",
    "facebook": "phây búc",
    "youtube": "diu túp",
    "zalo": "da lô",
}
_ONSET = "(?:ngh|ch|gh|gi|kh|ng|nh|ph|qu|th|tr|[bcdghklmnprstvx])?"
_VOWELS = (
    "(?:uye|uya|oai|oay|uoi|uou|ieu|yeu|oeo|oao|uay"
    "|ia|ie|ye|ua|uo|uu|ui|uy|ue|oa|oe|oi|oo|ai|ao|au|ay|eo|eu|iu|[aeiouy])"
)
_SYLLABLE = rf"{_ONSET}{_VOWELS}(?:ch|ng|nh|m|n(?!h)|[cp](?!h)|t(?![hr]))?(?![aeiouy])"
_SYLLABLES = re.compile(rf"(?:{_SYLLABLE})+")
_FIRST_SYLLABLE = re.compile(rf"{_SYLLABLE}(?=(?:{_SYLLABLE})*$)")


def addresses_in_words(text: str) -> str:
    """Return a text whose mail addresses are spelled and whose web addresses are named by their site."""
    text = _MAIL.sub(lambda found: said_address(found[1]), text)
    text = _ASIDE.sub("", text)
    return _OTHER.sub("", _IN_TEXT.sub(_site, text))


def said_address(address: str) -> str:
    """Return a host or mail address in words, its parts as syllables where they are Vietnamese without accents."""
    parts = re.split(r"([.@_+-])", address.lower())
    return " ".join(_PUNCTUATION.get(part) or _label(part) for part in parts if part)


def _site(found: re.Match[str]) -> str:
    host = said_address(found["host"].lower().removeprefix("www."))
    before = found.string[: found.start("host")]
    if _NAMED.search(re.sub(r"(?:https?://|www\.)+$", "", before)):
        return f"{found['at'] + ' ' if found['at'] else ''}{found['noun']}{host}"
    at = (found["at"] or "").lower()
    if not at:
        return f"trang {host}"
    return f"vào trang {host}" if at == "vào" else f"{'T' if found['at'][0].isupper() else 't'}rên trang {host}"


def _label(label: str) -> str:
    words = []
    for part in re.findall(r"\d+|[^\d]+", label):
        words.append(by_digits(part) if part.isdigit() else _LABELS.get(part) or _syllables(part))
    return " ".join(words)


def _syllables(label: str) -> str:
    """Return a label cut into syllables; one without a vowel is spelled."""
    if not re.search("[aeiouy]", label):
        return spelled(label)
    if not _SYLLABLES.fullmatch(label):
        return label
    found: list[str] = []
    while label:
        first = _FIRST_SYLLABLE.match(label)
        if first is None:
            return " ".join([*found, label])
        found.append(first[0])
        label = label[first.end() :]
    return " ".join(found)
