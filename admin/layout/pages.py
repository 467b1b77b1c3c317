"""A page: a template in the frame, with what the frame shows, and a form that remembers what was typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import Response, g, make_response, render_template, request

from haichieu.locale import Message


@dataclass
class Form:
    """What was typed into a form, by field, and what is wrong with it, by field ("" is the form as a whole)."""

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problems: dict[str, str | Message] = field(default_factory=dict)

    def value(self, name: str, default: str = "") -> str:
        """The value of a field, the default when it was not sent."""
        return next(iter(self.fields.get(name, ())), default)

    def values(self, name: str) -> Sequence[str]:
        """Every value of a field."""
        return self.fields.get(name, ())

    def chosen(self, name: str, value: str) -> bool:
        """Say whether a box is ticked."""
        return value in self.values(name)

    @property
    def was_sent(self) -> bool:
        """Whether anything was typed."""
        return bool(self.fields)


def sent_form() -> Form:
    """The form of this request."""
    return Form({name: request.form.getlist(name) for name in request.form})


def page(template: str, status: int = 200, **context: object) -> Response:
    """Make a page of a template."""
    return make_response(render_template(template, **context), status)


def page_that_records(template: str, status: int = 200, **context: object) -> Response:
    """Make a page of a template that may ask the browser for its microphone, which no other page may."""
    g.records = True
    return page(template, status, **context)
