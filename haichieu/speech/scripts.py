"""The script in which a language is written: a text in another one is refused, not spoken as noise or silence."""

import unicodedata
from collections import Counter

from haichieu.speech.synthesis import WrongScript

LATIN = "LATIN"
_SCRIPTS = {"vi": LATIN, "en": LATIN}
"""By language; a language that is not listed is not checked."""


def require_script(text: str, language: str) -> None:
    """Raise WrongScript when most letters of the text are not of the language's script."""
    wanted = _SCRIPTS.get(language)
    scripts = Counter(unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha())
    if wanted is None or not scripts or scripts[wanted] * 2 >= scripts.total():
        return
    del scripts[wanted]
    raise WrongScript("speech.wrong_script", script=scripts.most_common(1)[0][0].capitalize(), language=language)
