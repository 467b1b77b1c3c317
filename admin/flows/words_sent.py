"""New words for menus whose keys change, published together with the keys."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from admin.access.permissions import require_in
from admin.access.visitors import visitor
from admin.entries.scope import every_unit
from admin.flows.scope import Work
from admin.layout.pages import Form
from admin.prompts.samples import samples
from haichieu.account_rights import Action
from haichieu.database import now
from ivr.custom_flows.menu_words import ChangedMenu
from ivr.prompts import custom
from ivr.prompts.custom import PromptRefused


class NewWords(NamedTuple):
    """The new text of a prompt in a language."""

    prompt: str
    language: str
    text: str


def words_sent(work: Work, wrong_words: Sequence[ChangedMenu], form: Form) -> list[NewWords]:
    """Return the new texts of the form, spoken once so that no caller waits. Raises PromptRefused.

    Not to be called inside a write transaction.
    """
    found = []
    for one in wrong_words:
        name = f"{one.language}:{one.prompt}"
        if not form.chosen("change", name):
            continue
        text = custom.require_text(work.prompts.texts, one.prompt, form.value(f"words:{name}"))
        if "…" in text:
            raise PromptRefused("prompt.unfinished")
        work.prompts.read(one.prompt, one.language, text, samples(work.prompts.variables(one.prompt), one.language))
        found.append(NewWords(one.prompt, one.language, text))
    return found


def set_words(session: Session, work: Work, words: Sequence[NewWords]) -> None:
    """Set the texts in the transaction that publishes the keys. Prompts need rights over the whole station."""
    if words:
        require_in(session, Action.CONFIGURE, every_unit(session))
    for one in words:
        custom.set_text(session, work.prompts.texts, one.prompt, one.language, one.text, visitor().actor, now())
