"""Shared behaviour of entry forms: fill in, detect conflicts, save, show again."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from admin.access.kept_forms import take_kept
from admin.access.visitors import visitor
from admin.entries.scope import require_to_configure
from admin.layout.pages import Form, sent_form
from admin.panel import Panel
from haichieu.district.entries import EntryRefused, Kind, Texts, mark_of, save, texts_of
from haichieu.locale import Message, message
from haichieu.prepared_hashes import PreparedHashes

MARK = "began_with"


@dataclass
class Conflict(Exception):
    """Another user changed the row since the form was shown; `form` contains what was typed and the new values."""

    form: Form


def form_of(panel: Panel, texts: Texts | None = None, **start: str) -> Form:
    """Return the initial form: fields restored after sign-in, else the row as `texts_of` gives it, else `start`."""
    if kept := take_kept(panel):
        return Form(kept)
    if texts is None:
        return Form({name: [value] for name, value in start.items() if value})
    return Form({**texts, MARK: [mark_of(texts)]})


def take_form(
    session: Session,
    panel: Panel,
    kind: Kind,
    row: Any = None,
    texts: Texts | None = None,
    hashes: PreparedHashes | None = None,
) -> Any:
    """Save the form of this request; return the row. Raises Conflict, EntryRefused or NotAllowed."""
    form = sent_form()
    texts = texts if texts is not None else form.fields
    if row is not None:
        present = texts_of(kind, row)
        if form.value(MARK) != mark_of(present):
            raise Conflict(with_news(form, texts, present))
    saved = save(session, panel.vault, kind, texts, visitor().actor, row, hashes, require_to_configure)
    require_to_configure(session, saved)
    return saved


def refused(refusal: EntryRefused | Conflict) -> Form:
    """Return the form of this request with its problems."""
    if isinstance(refusal, Conflict):
        return refusal.form
    form = sent_form()
    form.problems.update(refusal.problems)
    return form


def with_news(form: Form, texts: Texts, present: Texts) -> Form:
    """Return the form with what was typed and, beside each field that differs, the current value."""
    problems: dict[str, str | Message] = {"": message("panel.entry.changed_meanwhile")}
    for name, now_there in present.items():
        if sorted(now_there) != sorted(text.strip() for text in texts.get(name, ()) if text.strip()):
            problems[name] = message("panel.entry.now_there", value=", ".join(now_there) or "—")
    return Form({**form.fields, MARK: [mark_of(present)]}, problems)
