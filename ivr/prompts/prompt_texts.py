"""Prompt texts: templates by key and language. `ivr.prompts.store` makes sounds of them.

A template contains `{variable}`, or `{variable:digits}` to be read digit by digit.
"""

import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Self

from haichieu.errors import HaiChieuError

KEY = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_VARIABLE = re.compile(r"\{([a-z_]+)(?::(digits))?\}")
_DIGIT_WORDS = {
    "vi": ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"),
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
}
_KEY_WORDS = {"vi": {"*": "sao", "#": "thăng"}, "en": {"*": "star", "#": "hash"}}


def key_words(language: str) -> Mapping[str, str]:
    """Return how the keys of a telephone are spoken in a language; empty for one that is not known."""
    return {
        **{str(digit): word for digit, word in enumerate(_DIGIT_WORDS.get(language, ()))},
        **_KEY_WORDS.get(language, {}),
    }


class PromptError(HaiChieuError):
    """A prompt cannot be played."""


class UnknownPrompt(PromptError):
    """No language in question has a prompt of this key."""

    def __init__(self, key: str) -> None:
        super().__init__("prompt.not_found", key=key)


class MissingVariable(PromptError):
    """A value of the prompt is missing."""

    def __init__(self, key: str, variable: str) -> None:
        super().__init__("prompt.missing_value", key=key, variable=variable)


class BadPromptFile(PromptError):
    """A file of prompts has an invalid key or template."""


class PromptTexts:
    """The templates of all languages."""

    def __init__(self, templates: Mapping[str, Mapping[str, str]]) -> None:
        """Take templates as language → key → text. Raises BadPromptFile."""
        for language, texts in templates.items():
            for key, text in texts.items():
                require_template(language, key, text)
        self._templates = templates

    @classmethod
    def delivered(cls) -> Self:
        """Read the built-in texts."""
        folder = resources.files("ivr") / "prompts"
        files = [file for file in folder.iterdir() if file.name.endswith(".toml")]
        return cls({Path(file.name).stem: tomllib.loads(file.read_text("utf-8")) for file in files})

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(self._templates)

    def keys(self, language: str) -> frozenset[str]:
        return frozenset(self._templates.get(language, {}))

    def has(self, key: str, language: str) -> bool:
        return key in self._templates.get(language, {})

    def template(self, key: str, language: str) -> str:
        """Return the text with its variables; empty where the language has none."""
        return self._templates.get(language, {}).get(key, "")

    def variables(self, key: str) -> frozenset[str]:
        """Return the names of the values that a prompt needs, in any language. Raises UnknownPrompt."""
        texts = [texts[key] for texts in self._templates.values() if key in texts]
        if not texts:
            raise UnknownPrompt(key)
        return frozenset(name for text in texts for name in variables_in(text))

    def has_values(self, key: str) -> bool:
        """Return whether a prompt has values; one without any text has none."""
        return any(variables_in(texts[key]) for texts in self._templates.values() if key in texts)

    def render(self, key: str, language: str, variables: Mapping[str, str | int]) -> str:
        """Return the sentence with its values filled in. Raises UnknownPrompt or MissingVariable."""
        if not self.has(key, language):
            raise UnknownPrompt(key)
        return fill(key, language, self.template(key, language), variables)


def fill(key: str, language: str, template: str, variables: Mapping[str, str | int]) -> str:
    """Return a template of a prompt with its values filled in. Raises MissingVariable."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in variables:
            raise MissingVariable(key, match[1])
        given = str(variables[match[1]])
        return digit_by_digit(given, language) if match[2] else given

    return _VARIABLE.sub(value, template)


def variables_in(template: str) -> frozenset[str]:
    """Return the names of the values in a template."""
    return frozenset(match[1] for match in _VARIABLE.finditer(template))


def digit_by_digit(text: str, language: str) -> str:
    """Spell out a code: "10*" is "một không sao". Other characters are kept, one by one."""
    digits = _DIGIT_WORDS.get(language, _DIGIT_WORDS["en"])
    keys = _KEY_WORDS.get(language, _KEY_WORDS["en"])
    return " ".join(digits[int(sign)] if sign in "0123456789" else keys.get(sign, sign) for sign in text)


def require_template(language: str, key: str, text: object) -> None:
    """Raise BadPromptFile when a key or a template is invalid."""
    if not KEY.fullmatch(key):
        raise BadPromptFile("prompt.bad_file.key", language=language, key=key)
    if not isinstance(text, str) or not text.strip():
        raise BadPromptFile("prompt.bad_file.text", language=language, key=key)
    if left_over := re.search(r"[{}].{0,20}", _VARIABLE.sub("", text)):
        raise BadPromptFile("prompt.bad_file.variable", language=language, key=key, found=left_over[0])
