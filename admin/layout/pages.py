"""Rendering of pages, and forms with their fields and problems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import Response, g, make_response, render_template, request

from haichieu.locale import Message


@dataclass
class Form:
    """The fields of a form and the problems by field ("" is the form as a whole)."""

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problems: dict[str, str | Message] = field(default_factory=dict)

    def value(self, name: str, default: str = "") -> str:
        """Return the value of a field, or the default when it was not sent."""
        return next(iter(self.fields.get(name, ())), default)

    def values(self, name: str) -> Sequence[str]:
        """Return every value of a field."""
        return self.fields.get(name, ())

    def chosen(self, name: str, value: str) -> bool:
        """Return whether a box is ticked."""
        return value in self.values(name)

    def row_id(self, name: str) -> int:
        """Return a field that names a row; 0 when it names none."""
        value = self.value(name)
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0

    @property
    def was_sent(self) -> bool:
        """Whether any field was sent."""
        return bool(self.fields)


def sent_form() -> Form:
    """Return the form of this request."""
    return Form({name: request.form.getlist(name) for name in request.form})


def is_live_part() -> bool:
    """Return whether a page that updates itself asks for its live part alone."""
    return "HX-Request" in request.headers


def page(template: str, status: int = 200, **context: object) -> Response:
    """Render a template as a page."""
    return make_response(render_template(template, **context), status)


def page_that_records(template: str, status: int = 200, **context: object) -> Response:
    """Render a page that may use the browser's microphone; no other page may."""
    g.records = True
    return page(template, status, **context)


def page_shown_once(template: str, **context: object) -> Response:
    """Render a page with a secret; sending its form again, as a reload does, leads back to the form."""
    g.shown_once = True
    return page(template, 200, **context)
