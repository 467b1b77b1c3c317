"""What pages of flows share: who may change one, the station's prompts, and what is at work with all said of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import request
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from admin.access.visitors import visitor
from admin.flows.diagram import Diagram, draw
from admin.layout.language import page_language, sentence
from admin.panel import Panel
from ivr.custom_flows import drafts
from ivr.custom_flows.checking import FlowCheck
from ivr.custom_flows.concern import units_concerned
from ivr.custom_flows.errors import NoSuchFlow
from ivr.custom_flows.models import FlowDraft
from ivr.custom_flows.numbers import current_number
from ivr.custom_flows.outline import Place, outline
from ivr.custom_flows.sketch import Sketch, read_sketch
from ivr.flows.definition import delivered_flows
from ivr.flows.mistakes import Mistake
from ivr.prompts.station import FALLBACK_LANGUAGE, station_prompts
from ivr.prompts.store import PromptStore


def units_of_flow(session: Session, name: str, **_: object) -> Iterable[int]:
    """The units that a flow concerns. Raises NotFound."""
    try:
        return units_concerned(session, name)
    except NoSuchFlow as refusal:
        raise NotFound from refusal


def flows_of_visitor(session: Session) -> list[str]:
    """The names of the flows that the visitor may change."""
    return [name for name in sorted(delivered_flows()) if units_concerned(session, name) <= visitor().units]


def open_prompts(panel: Panel) -> PromptStore:
    """The prompts of the station, its own among them. Not to be called while something is being written."""
    return station_prompts(panel.settings.home.absolute(), panel.database, panel.synthesiser)


def open_check(panel: Panel) -> FlowCheck:
    """The linter with the prompts and languages of the station. Not to be called while something is being written."""
    prompts = open_prompts(panel)
    return FlowCheck(prompts, prompts.languages)


@dataclass(frozen=True)
class Work:
    """What one would change: the draft, or what calls follow while there is none."""

    name: str
    sketch: Sketch
    draft: FlowDraft | None
    current: int
    mark: str
    mistakes: tuple[Mistake, ...]
    prompts: PromptStore

    @property
    def roots(self) -> list[Place]:
        """Its steps as a tree."""
        return outline(self.sketch)

    @property
    def diagram(self) -> Diagram:
        """Its steps as a drawing."""
        return draw(self.roots)

    def said_of(self, place: str) -> list[str]:
        """What is wrong at a step, or with the flow as a whole ("flow")."""
        return [sentence(mistake.words) for mistake in self.mistakes if mistake.place == place]

    def words_of(self, prompt: object) -> str:
        """What a prompt says, as far as it is written down."""
        key = str(prompt)
        return self.prompts.text(key, page_language()) or self.prompts.text(key, FALLBACK_LANGUAGE) or ""


def work_on(panel: Panel, session: Session, name: str) -> Work:
    """Read what is there now of a flow."""
    definition = drafts.at_work(session, name)
    prompts = open_prompts(panel)
    check = FlowCheck(prompts, prompts.languages)
    return Work(
        name, read_sketch(definition), drafts.find_draft(session, name), current_number(session, name),
        drafts.mark_of(definition), check.mistakes(name, definition), prompts,
    )  # fmt: skip


def prompt_choices(work: Work, chosen: str) -> Mapping[str, str]:
    """The prompts of the station, by key, with what they say; the one that is chosen among them in any case."""
    store = work.prompts
    keys = {key for language in store.languages for key in store.texts.keys(language)}
    keys |= {key for language in store.languages for key in store.recorded_keys(language)}
    return {key: work.words_of(key) for key in sorted({*keys, *([chosen] if chosen else [])})}


def sent_text(name: str, most: int) -> str:
    """A field of the form of this request, without the spaces around it."""
    return request.form.get(name, "")[:most].strip()
