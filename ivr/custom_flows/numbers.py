"""Versions of flows by number."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ivr.custom_flows.errors import NoSuchFlow, NoSuchVersion
from ivr.custom_flows.models import FlowVersion
from ivr.flows.definition import delivered_definition, delivered_flows

BUILT_IN = 0
"""The number of the built-in version."""


def require_known(flow: str) -> str:
    if flow not in delivered_flows():
        raise NoSuchFlow(flow)
    return flow


def current_number(session: Session, flow: str) -> int:
    """Return the number of the version in use. Raises NoSuchFlow."""
    newest = sa.select(sa.func.max(FlowVersion.number)).where(FlowVersion.flow == require_known(flow))
    return session.scalar(newest) or BUILT_IN


def find_version(session: Session, flow: str, number: int) -> str:
    """Return the definition of a version. Raises NoSuchFlow or NoSuchVersion."""
    if number == BUILT_IN:
        return delivered_definition(require_known(flow))
    wanted = sa.select(FlowVersion.definition).where(
        FlowVersion.flow == require_known(flow), FlowVersion.number == number
    )
    definition = session.scalar(wanted)
    if definition is None:
        raise NoSuchVersion(flow, number)
    return definition


def current_definition(session: Session, flow: str) -> str:
    """Return the definition in use. Raises NoSuchFlow."""
    return find_version(session, flow, current_number(session, flow))
