"""Templates for answers to cases: those of the station, and the built-in ones of the other keys."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from admin.layout.language import say, say_in
from feedback.models import AnswerTemplate
from haichieu.locale import FALLBACK, LANGUAGES

BUILT_IN = {"1": "received", "2": "passed_on", "3": "done", "4": "more"}
"""The names of the built-in ones in the catalogue, by the key that inserts each."""


@dataclass(frozen=True)
class Template:
    """A template as it is offered; `id` is 0 for a built-in one."""

    code: str
    name: str
    text: str
    id: int = 0


def answer_templates(session: Session, language: str = "") -> Sequence[Template]:
    """Return the templates by key. A built-in one has its title in the page's language, its text in the citizen's."""
    spoken = language if language in LANGUAGES else FALLBACK
    found = {
        code: Template(code, say(f"answer_title.{name}"), say_in(spoken, f"answer_template.{name}"))
        for code, name in BUILT_IN.items()
    }
    for row in session.scalars(sa.select(AnswerTemplate)):
        found[row.code] = Template(row.code, row.name, row.text, row.id)
    return [found[code] for code in sorted(found)]
