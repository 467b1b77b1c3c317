"""Spoken words of menus whose keys change: what callers hear, and what should be recorded or written instead.

A menu's prompt names its keys, and nothing but its words says what a key does. When a key gets another target, the
words have to change as well.
"""

import datetime
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from haichieu.locale import render_key
from ivr.custom_flows.sketch import Sketch, Step
from ivr.prompts.prompt_texts import key_words
from ivr.verbs.menu import KEYS

ORDER = "1234567890*#"
"""The order of keys on a telephone, in which a menu should read them out."""

_BEFORE = {"vi": r"(?:bấm|nhấn|ấn)(?:\s+phím)?(?:\s+số)?", "en": r"press(?:\s+the)?(?:\s+key)?"}


@dataclass(frozen=True)
class ChangedMenu:
    """A menu whose keys lead elsewhere than before, and a prompt that nobody has changed since, by language.

    `said` are its words, empty for a recording without a text; `proposed` the words for the new keys. A person must
    replace each "…" in them.
    """

    step: str
    prompt: str
    language: str
    keys: tuple[tuple[str, str, str], ...]
    """The keys that changed, each with the step before and after; empty for none."""
    said: str
    proposed: str


def changed_menus(
    old: Sketch,
    new: Sketch,
    languages: tuple[str, ...],
    words: Callable[[str, str], str | None],
    changed_at: Callable[[str, str], datetime.datetime | None],
    begun_at: datetime.datetime | None,
) -> Iterator[ChangedMenu]:
    """Return the menus of `new` whose keys differ from those of `old`, the version in use, with unchanged words.

    `words` returns the text of a prompt in a language, `changed_at` when a custom one was last changed. Words that were
    changed after `begun_at`, when work on the new keys began, are taken to be meant for them.
    """
    for step in new.steps:
        was = old.step(step["id"])
        if step["verb"] != "menu" or was is None or was["verb"] != "menu" or step.get("prompt") != was.get("prompt"):
            continue
        before, after = _keys(was), _keys(step)
        if before == after:
            continue
        changed = tuple(
            (key, before.get(key, ""), after.get(key, "")) for key in ORDER if before.get(key) != after.get(key)
        )
        prompt = str(step.get("prompt") or "")
        for language in languages:
            said, at = words(prompt, language), changed_at(prompt, language)
            if said is None or (at is not None and begun_at is not None and at > begun_at):
                continue
            proposed = proposed_words(said, language, before, after)
            if proposed != said:
                yield ChangedMenu(step["id"], prompt, language, changed, said, proposed)


def proposed_words(said: str, language: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return the words of a menu for other keys: each sentence moves with the step that it describes."""
    if language not in _BEFORE:
        return ""
    sentences = sentences_of(said)
    named = {key: one.strip() for one in sentences if (key := key_in(one, language)) is not None}
    first = next((place for place, one in enumerate(sentences) if key_in(one, language) is not None), len(sentences))
    rest = [one.strip() for one in sentences[first:] if key_in(one, language) is None]
    about: dict[str, str] = {}
    for key, sentence in named.items():
        about.setdefault(before.get(key, f"key {key}"), sentence)
    kept = [key for key in named if before.get(key) == after.get(key) or key not in before]
    told = [
        named[key] if key in kept else _with_key(about.get(after[key]), key, language)
        for key in ORDER
        if key in after and (key in named or key not in before or before[key] != after[key])
    ]
    return " ".join([*(one.strip() for one in sentences[:first]), *told, *rest])


def sentences_of(words: str) -> list[str]:
    """Return the sentences of a prompt."""
    return re.findall(r"[^.!?]+[.!?]*\s*", words)


def key_in(sentence: str, language: str) -> str | None:
    """Return the key that a sentence tells the caller to press, or None."""
    found = _pattern(language).search(sentence)
    if found is None:
        return None
    name = found["name"].lower()
    return name if name in KEYS else next(key for key, word in key_words(language).items() if word == name)


def _with_key(sentence: str | None, key: str, language: str) -> str:
    """Return a sentence about another key; with "…" in place of what the step does when nothing describes it."""
    name = key_words(language)[key]
    if sentence is None:
        return render_key(language, "flow.menu_words.new", {"key": name})
    return _pattern(language).sub(lambda found: found[0][: -len(found["name"])] + name, sentence, count=1)


def _pattern(language: str) -> re.Pattern[str]:
    names = "|".join(key_words(language).values())
    return re.compile(rf"\b{_BEFORE[language]}\s+(?P<name>{names}|[0-9]|[*#])(?!\w)", re.IGNORECASE)


def _keys(step: Step) -> dict[str, str]:
    return {key: target for key, target in step["exits"].items() if key in KEYS}
