"""The navigation: which pages there are and who sees the way to them."""

from dataclasses import dataclass

from flask import Flask

from admin.access.permissions import rule_of
from admin.access.visitors import Visitor, visitor_or_none


@dataclass(frozen=True)
class Way:
    """One entry; its text is `nav.<endpoint>`."""

    endpoint: str


MAIN = (Way("now"), Way("emergency"), Way("programmes"), Way("calendar_page"), Way("accounts"), Way("audit_trail"))


def register_navigation(app: Flask) -> None:
    """Give templates `visitor` and the ways that are open to them."""

    @app.context_processor
    def ways() -> dict[str, object]:
        found = visitor_or_none()
        return {"visitor": found, "ways": [way.endpoint for way in MAIN if found and _is_open(app, way, found)]}


def _is_open(app: Flask, way: Way, found: Visitor) -> bool:
    rule = rule_of(app, way.endpoint)
    return rule is not None and (rule.action is None or found.may(rule.action))
