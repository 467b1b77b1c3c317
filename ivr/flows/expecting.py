"""Speakers called ahead: while an official confirms, or waits for the start time of, a live broadcast.

A node with an exit to `go-live` has the speakers of the zone, which is chosen already, called while it runs. At any
other node they are released. An emergency is not expected: it waits for nobody.
"""

from collections.abc import Mapping

from broadcast_bridge.broadcasts.states import Priority
from ivr.flows.node import Node
from ivr.flows.session import Session
from ivr.verbs.go_live import GoLive


def expect_live(node: Node, nodes: Mapping[str, Node], session: Session) -> None:
    """Have speakers called, or released, before a node runs."""
    if isinstance(node, GoLive):
        return
    official, zone = session.official, session.zone
    if official is None or zone is None or not _leads_on_air(node, nodes, session.call_back_priority):
        session.desk.expect_nothing()
        return
    session.desk.expect_live(official.id, zone, session.due_at, called_back=session.called_back)


def _leads_on_air(node: Node, nodes: Mapping[str, Node], requested: Priority | None) -> bool:
    if any("zone" in node.gives(name) for name in node.exits):
        return False  # it asks for another zone
    following = [nodes[name] for name in node.exits.values() if name in nodes]
    return any(
        isinstance(one, GoLive) and (requested or Priority(one.priority)) is not Priority.EMERGENCY for one in following
    )
