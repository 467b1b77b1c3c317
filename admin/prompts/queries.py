"""Prompts of a language with their voice."""

from collections.abc import Sequence
from dataclasses import dataclass

from haichieu.folded_text import folded
from ivr.prompts.store import PromptStore, Voice


@dataclass(frozen=True)
class Line:
    """One prompt: its text in the language, or in the fallback language."""

    key: str
    text: str
    voice: Voice
    has_values: bool


def languages_of(store: PromptStore) -> list[str]:
    """Return the possible languages of prompts: those of the station and those with built-in texts."""
    return list(dict.fromkeys([*store.languages, *sorted(store.texts.languages)]))


def line_of(store: PromptStore, key: str, language: str) -> Line:
    """Return one prompt."""
    text = store.text(key, language) or store.text(key, store.fallback) or ""
    return Line(key, text, store.voice(key, language), store.texts.has_values(key))


def lines(store: PromptStore, language: str, words: str, voice: str, after: str, most: int) -> Sequence[Line]:
    """Return prompts by key that contain all words in key or text and have the requested voice; empty matches any."""
    keys = sorted(store.texts.keys(language) | store.texts.keys(store.fallback))
    wanted = folded(words).split()
    found: list[Line] = []
    for key in keys:
        if key <= after:
            continue
        line = line_of(store, key, language)
        if all(word in folded(f"{key} {line.text}") for word in wanted) and voice in ("", line.voice):
            found.append(line)
            if len(found) == most:
                break
    return found
