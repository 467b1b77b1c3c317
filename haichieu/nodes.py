"""Nodes: the stations that share one PostgreSQL, each an Asterisk with its switchboard.

Each announces itself with a row, which it renews every `BEAT_SECONDS` (`node_lock`). The times in the rows are the
database's, so that a node with a wrong clock is seen as clearly as any other. A station on SQLite has no rows.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from haichieu import VERSION
from haichieu.database import Base, Database, UtcDateTime, known_revisions, newest_revision, now, schema_revision
from haichieu.errors import EnvironmentProblem
from haichieu.settings import EVERYWHERE, Settings
from haichieu.vault import Vault

BEAT_SECONDS = 2.0
GONE_SECONDS = 6.0
"""A node that was not seen for this long is down; three beats missed."""
SHOWN = datetime.timedelta(days=7)
"""A node that was not seen for longer is no longer listed."""


class OtherVersion(EnvironmentProblem):
    """The database has the schema of another version, or nodes of another version use it."""


class Node(Base):
    """One node, as it last announced itself. `left_at` is set when it has stopped in order."""

    __tablename__ = "nodes"

    name: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    address: Mapped[str] = mapped_column(sa.String(200), default="")
    """The URL of its web process for the other nodes."""
    sip: Mapped[str] = mapped_column(sa.String(200), default="")
    """HOST:PORT of its SIP for the other nodes."""
    version: Mapped[str] = mapped_column(sa.String(20), default="")
    revision: Mapped[str] = mapped_column(sa.String(40), default="")
    """The schema that its program was made for."""
    clock_offset: Mapped[float | None]
    """Seconds that its clock is ahead of the database's."""
    seen_at: Mapped[datetime.datetime]
    left_at: Mapped[datetime.datetime | None]


@dataclass(frozen=True)
class NodeStatus:
    """One node for people: `clock_offset` in seconds ahead of the database, None if it was never measured."""

    name: str
    ok: bool
    seen_at: datetime.datetime
    left: bool
    version: str
    clock_offset: float | None
    speakers: int


@dataclass(frozen=True)
class Announcement:
    """What a node says about itself."""

    name: str
    address: str
    sip: str
    version: str
    revision: str


def announcement(settings: Settings) -> Announcement:
    """Return what the node of these settings says about itself.

    The addresses are empty if the settings name none that other nodes could use.
    """
    host = settings.node_address or ("" if settings.bind == EVERYWHERE else settings.bind)
    address, sip = (f"http://{host}:{settings.web_port}", f"{host}:{settings.sip_port}") if host else ("", "")
    return Announcement(settings.node, address, sip, VERSION, newest_revision())


def database_time(session: Session) -> datetime.datetime:
    """Return the time by the clock that all nodes share."""
    if session.get_bind().dialect.name == "sqlite":
        return now()
    return session.scalars(sa.select(sa.func.clock_timestamp(type_=UtcDateTime(timezone=True)))).one()


def is_up() -> sa.ColumnElement[bool]:
    """Return the condition under which a node is up, by PostgreSQL's clock."""
    since = sa.func.clock_timestamp() - datetime.timedelta(seconds=GONE_SECONDS)
    return Node.left_at.is_(None) & (Node.seen_at > since)


def nodes_up(session: Session) -> Sequence[Node]:
    """Return the nodes that are up, by name; none on SQLite."""
    if session.get_bind().dialect.name == "sqlite":
        return ()
    return session.scalars(sa.select(Node).where(is_up()).order_by(Node.name)).all()


def other_nodes(session: Session, name: str) -> Sequence[Node]:
    """Return the other listed nodes that name an address for SIP, whether they are up or not."""
    return [one for one in listed_nodes(session) if one.name != name and one.sip]


def node_password(vault: Vault) -> str:
    """Return the SIP password with which nodes call each other; only the keys that they share can make it."""
    return vault.digest("calls between nodes")


def nodes_lost(session: Session) -> Sequence[str]:
    """Return the names of the nodes that are down, those that have stopped in order included."""
    return session.scalars(sa.select(Node.name).where(~is_up())).all()


def listed_nodes(session: Session) -> Sequence[Node]:
    """Return the nodes that were seen in the last days, by name."""
    return session.scalars(
        sa.select(Node).where(Node.seen_at > database_time(session) - SHOWN).order_by(Node.name)
    ).all()


def node_states(session: Session, speakers: dict[str, int]) -> tuple[NodeStatus, ...]:
    """Return every listed node with the number of `speakers` that are registered there."""
    at = database_time(session)
    return tuple(
        NodeStatus(
            node.name,
            node.left_at is None and (at - node.seen_at).total_seconds() < GONE_SECONDS,
            node.seen_at,
            node.left_at is not None,
            node.version,
            node.clock_offset,
            speakers.get(node.name, 0),
        )
        for node in listed_nodes(session)
    )


def require_schema(database: Database, name: str) -> None:
    """Refuse to upgrade a database that is newer than this program, or that other nodes use as it is.

    Raises OtherVersion.
    """
    with database.engine.connect() as connection:
        found = schema_revision(connection)
        if found is None or found == newest_revision():
            return
        if found not in known_revisions():
            raise OtherVersion("base.nodes.newer_schema", found=found, ours=newest_revision(), version=VERSION)
        if database.is_sqlite or not sa.inspect(connection).has_table(Node.__tablename__):
            return
        others = connection.execute(
            sa.select(Node.name, Node.version).where(is_up(), Node.name != name).order_by(Node.name)
        ).all()
    if others:
        running = tuple(f"{row.name} ({row.version})" for row in others)
        raise OtherVersion("base.nodes.upgrade_refused", version=VERSION, nodes=running)
