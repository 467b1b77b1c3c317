"""Steps of a page: forms and acts below one address, each with its own right.

    add_steps(app, "/speakers/<int:number>/<step>", "speaker_step", page_of_speaker, {
        "edit": Step(Action.CONFIGURE, save, form, where=units_of_speaker),
        "tone": Step(Action.AIR, play_tone, where=units_of_speaker),
    })

A step that is not in the table is not found.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Flask, redirect, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.access.permissions import Rule, Where, by_step
from haichieu.account_rights import Action

NEW = 0
"""The number of what does not exist yet."""

View = Callable[..., Response]
"""Gets the arguments of the route without `step`."""


@dataclass(frozen=True)
class Step:
    """One step: `do` answers its form, and `show` is its page, for a step that has one.

    The right is that of `admin.access.permissions.needs`; `action` None admits every account.
    """

    action: Action | None
    do: View | None
    show: View | None = None
    where: Where | None = None
    checks_units: bool = False

    @property
    def rule(self) -> Rule:
        """The permission rule of both methods."""
        return Rule(True, self.action, self.where, self.checks_units)


def or_new(where: Where) -> Where:
    """Return `where` for a step that also makes a new one: that has no units until it is saved."""
    return lambda session, number: () if number == NEW else where(session, number)


def add_steps(app: Flask, address: str, endpoint: str, back: Callable[..., str], steps: Mapping[str, Step]) -> None:
    """Add `GET` and `POST` of the address, which contains `<step>`.

    A step without a page of its own leads to `back`, the page with its form: a sign-in that interrupts the form, or a
    reload after a refusal, ends there.
    """

    @by_step({name: one.rule for name, one in steps.items()})
    def take(step: str, **arguments: object) -> Response:
        one = steps[step]
        if request.method == "POST":
            if one.do is None:
                raise NotFound
            return one.do(**arguments)
        return one.show(**arguments) if one.show is not None else redirect(back(**arguments), 303)

    app.add_url_rule(address, endpoint, take, methods=("GET", "POST"))
