"""Words of a menu whose keys change: what is wrong with them, and what to record instead."""

import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haichieu.database import now
from ivr.custom_flows.menu_words import ORDER, ChangedMenu, changed_menus, key_in, proposed_words
from ivr.custom_flows.sketch import Sketch, read_sketch
from ivr.flows.definition import delivered_definition, delivered_flows
from ivr.prompts.prompt_texts import PromptTexts, key_words

TEXTS = PromptTexts.delivered()
KEYS = {"1": "commune", "2": "message", "3": "status", "0": "duty-desk", "*": "main-menu"}
VI, EN = (TEXTS.template("hotline-menu", language) or "" for language in ("vi", "en"))


def hotline(**keys: str) -> Sketch:
    sketch = read_sketch(delivered_definition("hotline"))
    menu = sketch.step("main-menu")
    assert menu is not None
    menu["exits"] = {**KEYS, **{key.removeprefix("key"): target for key, target in keys.items()}}
    menu["exits"] = {key: target for key, target in menu["exits"].items() if target}
    return sketch


def changed(new: Sketch, at: datetime.datetime | None = None) -> list[ChangedMenu]:
    begun = now()
    return list(changed_menus(hotline(), new, ("vi", "en"), TEXTS.template, lambda _key, _language: at, begun))


def test_swapped_keys_are_found_with_the_words_to_record() -> None:
    vi, en = changed(hotline(key1="message", key2="commune"))
    assert (vi.step, vi.prompt, vi.said) == ("main-menu", "hotline-menu", VI)
    assert vi.keys == (("1", "commune", "message"), ("2", "message", "commune"))
    assert vi.proposed.startswith("Bấm một để gửi ý kiến phản ánh. Bấm hai để nghe bản tin mới nhất. Bấm ba")
    assert en.proposed.startswith("To leave a message, press one. For the latest bulletins, press two. To hear")


def test_unchanged_menu_has_right_words() -> None:
    assert changed(hotline()) == []


def test_words_changed_after_the_draft_was_begun_are_right() -> None:
    swapped = hotline(key1="message", key2="commune")
    assert changed(swapped, now() + datetime.timedelta(seconds=5)) == []
    assert len(changed(swapped, now() - datetime.timedelta(days=1))) == 2


@pytest.mark.parametrize(
    ("keys", "proposed"),
    [
        ({"key3": ""}, "Bấm hai để gửi ý kiến phản ánh. Bấm không để gặp"),
        ({"key4": "status", "key3": ""}, "Bấm bốn để hỏi kết quả phản ánh. Bấm không"),
        ({"key5": "office"}, "Bấm năm để …. Bấm không để gặp"),
        ({"key1": "office"}, "Bấm một để …. Bấm hai"),
        ({"key#": "main-menu", "key*": ""}, "Bấm phím thăng để nghe lại."),
    ],
)
def test_added_moved_and_removed_keys_change_their_sentences(keys: dict[str, str], proposed: str) -> None:
    assert proposed in changed(hotline(**keys))[0].proposed


def test_every_key_of_a_delivered_menu_is_found_in_its_words() -> None:
    for name in delivered_flows():
        for step in read_sketch(delivered_definition(name)).steps:
            if step["verb"] != "menu":
                continue
            for language in ("vi", "en"):
                words = TEXTS.template(step["prompt"], language) or ""
                said = {key for one in re.split(r"(?<=[.!?])", words) if (key := key_in(one, language))}
                assert said == set(step["exits"]) - {"timeout"}, (name, step["id"], language)


@given(st.permutations(sorted(KEYS.values())), st.sampled_from(["vi", "en"]))
def test_proposed_words_say_each_key_once_with_its_own_step(targets: list[str], language: str) -> None:
    after = dict(zip(KEYS, targets, strict=True))
    words = VI if language == "vi" else EN
    proposed = proposed_words(words, language, KEYS, after)
    about = {key_in(one, language): one for one in re.findall(r"[^.]+\.", words)}
    for sentence in re.findall(r"[^.]+\.", proposed):
        key = key_in(sentence, language)
        assert key is not None
        old = next(each for each, target in KEYS.items() if target == after[key])
        assert sentence.strip() == about[old].strip().replace(key_words(language)[old], key_words(language)[key])
    assert proposed_words(proposed, language, after, KEYS) == words


@given(st.text(max_size=200), st.dictionaries(st.sampled_from(ORDER), st.sampled_from(["a", "b", "c"])))
def test_any_words_can_be_rewritten(words: str, after: dict[str, str]) -> None:
    proposed_words(words, "vi", KEYS, after)
