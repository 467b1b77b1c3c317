"""Shared parts of the flow pages: permissions, the station's prompts, and the edited flow with its mistakes."""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import request
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from admin.access.visitors import visitor
from admin.layout.language import page_language, sentence
from admin.panel import Panel
from haichieu.station import the_station
from ivr.custom_flows import versions
from ivr.custom_flows.errors import NoSuchFlow
from ivr.custom_flows.menu_words import ChangedMenu, changed_menus, key_in, sentences_of
from ivr.custom_flows.models import FlowDraft
from ivr.custom_flows.sketch import Place, Sketch, Step, outline, read_sketch
from ivr.custom_flows.versions import FlowCheck, current_number, units_concerned
from ivr.flows.definition import delivered_flows
from ivr.flows.mistakes import Mistake
from ivr.prompts.custom import find_custom
from ivr.prompts.station_prompts import FALLBACK_LANGUAGE, station_prompts
from ivr.prompts.store import PromptStore
from ivr.verbs.menu import KEYS


def units_of_flow(session: Session, name: str, **_: object) -> Iterable[int]:
    """Return the units that a flow concerns. Raises NotFound."""
    try:
        return units_concerned(session, name)
    except NoSuchFlow as refusal:
        raise NotFound from refusal


def flows_of_visitor(session: Session) -> list[str]:
    """Return the names of the flows that the visitor may change."""
    return [name for name in sorted(delivered_flows()) if units_concerned(session, name) <= visitor().units]


def open_prompts(panel: Panel) -> PromptStore:
    """Return the station's prompts, including custom ones. Not to be called inside a write transaction."""
    return station_prompts(panel.settings.home.absolute(), panel.database, panel.synthesiser)


def open_check(panel: Panel) -> FlowCheck:
    """Return the linter with the station's prompts and languages. Not to be called inside a write transaction."""
    prompts = open_prompts(panel)
    return FlowCheck(prompts, prompts.languages)


@dataclass(frozen=True)
class Work:
    """The edited flow: the draft, or the current version while there is none."""

    name: str
    sketch: Sketch
    draft: FlowDraft | None
    current: int
    mark: str
    mistakes: tuple[Mistake, ...]
    prompts: PromptStore

    @property
    def roots(self) -> list[Place]:
        """The steps as a tree."""
        return outline(self.sketch)

    def said_of(self, place: str) -> list[str]:
        """Return the mistakes of a step, or of the whole flow ("flow")."""
        return [sentence(mistake.words) for mistake in self.mistakes if mistake.place == place]

    def words_of(self, prompt: object) -> str:
        """Return the text of a prompt, if it has one."""
        return self._text(prompt)[0]

    def words_at(self, step: Step, exit_name: str) -> str:
        """Return the sentence of a menu's prompt that names a key; empty for none, and for other exits and steps."""
        if step["verb"] != "menu" or exit_name not in KEYS:
            return ""
        text, language = self._text(step.get("prompt"))
        return next((one for one in sentences_of(text) if key_in(one, language) == exit_name), "")

    def _text(self, prompt: object) -> tuple[str, str]:
        """Return a text in the language of the page, else in the fallback language, and the language."""
        languages = (page_language(), FALLBACK_LANGUAGE)
        found = ((self.prompts.text(str(prompt), language), language) for language in languages)
        return next(((text, language) for text, language in found if text), ("", FALLBACK_LANGUAGE))


def work_on(panel: Panel, session: Session, name: str) -> Work:
    """Return the current state of a flow."""
    definition = versions.at_work(session, name)
    prompts = open_prompts(panel)
    check = FlowCheck(prompts, prompts.languages)
    return Work(
        name, read_sketch(definition), versions.find_draft(session, name), current_number(session, name),
        versions.mark_of(definition), check.mistakes(name, definition), prompts,
    )  # fmt: skip


def words_to_change(session: Session, work: Work, old: Sketch, new: Sketch) -> list[ChangedMenu]:
    """Return the menus of `new` whose spoken words still describe the keys of `old`, the version in use."""

    def changed_at(key: str, language: str) -> datetime.datetime | None:
        own = find_custom(session, key, language)
        return own.changed_at if own is not None else None

    begun_at = versions.draft_begun_at(session, work.name) if new is work.sketch else None
    languages = tuple(the_station(session).languages) or (FALLBACK_LANGUAGE,)
    return list(changed_menus(old, new, languages, work.prompts.text, changed_at, begun_at))


def prompt_choices(work: Work, chosen: str) -> Mapping[str, str]:
    """Return the station's prompts by key with their texts, always including the chosen one."""
    store = work.prompts
    keys = {key for language in store.languages for key in store.texts.keys(language)}
    keys |= {key for language in store.languages for key in store.recorded_keys(language)}
    return {key: work.words_of(key) for key in sorted({*keys, *([chosen] if chosen else [])})}


def sent_text(name: str, most: int) -> str:
    """Return a field of the form of this request without surrounding spaces."""
    return request.form.get(name, "")[:most].strip()
