"""Permission rules of routes: each route declares its rule, and `admin.access.gate` enforces it.

    @app.post("/broadcasts/<int:number>/stop")
    @needs(Action.AIR, where=units_of_broadcast)

A route of several steps has a rule per step (`admin.access.page_steps`). The application does not start while a route
has no rule. The rights of each role are in `haichieu.account_rights`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from flask import Flask, g
from sqlalchemy.orm import Session

from admin.access.visitors import visitor
from haichieu.account_rights import Action, require_everywhere

View = TypeVar("View", bound=Callable[..., object])
Where = Callable[..., Iterable[int]]
"""Returns the units concerned, given a session and the route's arguments; raises NotFound for a missing object."""


class RouteWithoutRule(Exception):
    """A route declares no rule: a programming error that stops the application from starting."""


@dataclass(frozen=True)
class Rule:
    """Permission rule of a route. `action` None with `signed_in` admits every account.

    `where` finds the units concerned from the route's arguments. Without it, either the view shows only what lies in
    the visitor's units, or (`checks_units`) it calls `require_in` once it knows the units from the body. What a page
    asks for by itself (`in_background`) does not prolong a session. With `steps` the route's argument `step` names the
    rule, and its `where` gets the other arguments.
    """

    signed_in: bool
    action: Action | None = None
    where: Where | None = None
    checks_units: bool = False
    in_background: bool = False
    steps: "Mapping[str, Rule] | None" = None

    def of_request(self, arguments: Mapping[str, object]) -> "Rule | None":
        """Return the rule of a request with these arguments; None for a step that there is not."""
        return self if self.steps is None else self.steps.get(str(arguments.get("step")))


def open_to_all(view: View) -> View:
    """Let the route be used without a session."""
    return _with_rule(view, Rule(signed_in=False))


def for_anyone_signed_in(view: View) -> View:
    """Let every account use the route, which concerns the visitor's own account."""
    return _with_rule(view, Rule(signed_in=True))


def needs(
    action: Action, where: Where | None = None, *, checks_units: bool = False, in_background: bool = False
) -> Callable[[View], View]:
    """Require an action, in the units that `where` finds, or that the view itself finds (`checks_units`)."""
    return lambda view: _with_rule(view, Rule(True, action, where, checks_units, in_background))


def by_step(rules: Mapping[str, Rule]) -> Callable[[View], View]:
    """Require of each step of the route what its rule says; another step is not found."""
    return lambda view: _with_rule(view, Rule(True, steps=rules))


def rule_of(app: Flask, endpoint: str | None) -> Rule | None:
    """Return the rule of a route; None when there is no such route."""
    view = app.view_functions.get(endpoint or "")
    rule = getattr(view, "access_rule", None)
    return rule if isinstance(rule, Rule) else None


def require_in(session: Session, action: Action, unit_ids: Iterable[int]) -> None:
    """Raise NotAllowed unless the visitor may do it in every one of the units."""
    g.units_were_checked = True
    require_everywhere(session, visitor().account, action, unit_ids)


def check_declarations(app: Flask) -> None:
    """Raise RouteWithoutRule when a route does not say who may use it."""
    silent = sorted(rule.rule for rule in app.url_map.iter_rules() if rule_of(app, rule.endpoint) is None)
    if silent:
        raise RouteWithoutRule(f"routes without a rule: {', '.join(silent)}")


def _with_rule(view: View, rule: Rule) -> View:
    view.access_rule = rule  # type: ignore[attr-defined]
    return view
