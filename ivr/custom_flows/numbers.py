"""Which versions of a flow there are, and which of them calls follow."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ivr.custom_flows.errors import NoSuchFlow, NoSuchVersion
from ivr.custom_flows.models import FlowVersion
from ivr.flows.definition import delivered_definition, delivered_flows

BUILT_IN = 0
"""The number of the version that comes with the program."""


def require_known(flow: str) -> str:
    """Return the name of a flow. Raises NoSuchFlow."""
    if flow not in delivered_flows():
        raise NoSuchFlow(flow)
    return flow


def current_number(session: Session, flow: str) -> int:
    """Return the number of the version that calls follow. Raises NoSuchFlow."""
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
    """Return the definition that calls follow. Raises NoSuchFlow."""
    return find_version(session, flow, current_number(session, flow))
