"""Who may use which route: each route says it where it is defined, and one gate (`admin.access.gate`) keeps it.

    @app.post("/broadcasts/<int:number>/stop")
    @needs(Action.AIR, where=units_of_broadcast)

An application with a route that says nothing does not start. What a role may do stands in `haichieu.account_rights`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from flask import Flask, g
from sqlalchemy.orm import Session

from admin.access.visitors import visitor
from haichieu.account_rights import Action, require_everywhere

View = TypeVar("View", bound=Callable[..., object])
Where = Callable[..., Iterable[int]]
"""Given a session and the route's arguments, the units that are concerned; raises NotFound where there is nothing."""


class RouteWithoutRule(Exception):
    """A route does not say who may use it: a mistake of ours, which the application does not start with."""


@dataclass(frozen=True)
class Rule:
    """Who may use a route. `action` None with `signed_in` is anybody with an account.

    `where` finds the units concerned from the route's arguments. Without it, either the view shows what lies in the
    visitor's units and nothing else, or (`checks_units`) it calls `require_in` once it knows the units from the body.
    """

    signed_in: bool
    action: Action | None = None
    where: Where | None = None
    checks_units: bool = False


def open_to_all(view: View) -> View:
    """The route needs no login."""
    return _with_rule(view, Rule(signed_in=False))


def for_anyone_signed_in(view: View) -> View:
    """The route is about the visitor's own account."""
    return _with_rule(view, Rule(signed_in=True))


def needs(action: Action, where: Where | None = None, *, checks_units: bool = False) -> Callable[[View], View]:
    """The route needs an action, in the units that `where` finds, or that the view itself finds (`checks_units`)."""
    return lambda view: _with_rule(view, Rule(True, action, where, checks_units))


def rule_of(app: Flask, endpoint: str | None) -> Rule | None:
    """What a route says; None for an address that is no route."""
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
