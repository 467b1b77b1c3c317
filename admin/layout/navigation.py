"""The navigation and the visibility of its entries."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask
from sqlalchemy.orm import Session

from admin.access.permissions import rule_of
from admin.access.visitors import Visitor, visitor_or_none
from admin.bulletins.views import has_sources
from admin.panel import Panel
from admin.set_up.progress import missing


@dataclass(frozen=True)
class Way:
    """One entry; its text is `nav.<endpoint>`. With `only_while` it is shown while that is true."""

    endpoint: str
    only_while: Callable[[Session], object] | None = None


MAIN = (
    *(Way("now"), Way("set_up", only_while=missing), Way("cases"), Way("announce"), Way("emergency")),
    *(
        Way("programmes"),
        Way("bulletins", only_while=has_sources),
        Way("calendar_page"),
        Way("broadcast_log_page"),
        Way("reports"),
    ),
    *(Way("speakers"), Way("zones"), Way("officials"), Way("accounts"), Way("audit_trail")),
    *(Way("numbers"), Way("flows"), Way("prompts")),
)


def register_navigation(app: Flask, panel: Panel) -> None:
    """Give templates `visitor` and the entries that are open to them."""

    @app.context_processor
    def ways() -> dict[str, object]:
        found = visitor_or_none()
        return {"visitor": found, "ways": [way.endpoint for way in MAIN if found and _is_open(app, panel, way, found)]}


def _is_open(app: Flask, panel: Panel, way: Way, found: Visitor) -> bool:
    rule = rule_of(app, way.endpoint)
    if rule is None or not (rule.action is None or found.may(rule.action)):
        return False
    if way.only_while is None and rule.where is None:
        return True
    with panel.database.reading() as session:
        return (rule.where is None or found.units.issuperset(rule.where(session))) and (
            way.only_while is None or bool(way.only_while(session))
        )
