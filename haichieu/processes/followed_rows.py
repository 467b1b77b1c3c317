"""Digest of the rows from which the switchboard derives SIP accounts, prompts and the degraded dialplan.

A broadcast commits several times a second; deriving a thousand accounts again each time would cost more than the
broadcast. The digest leaves out what changes while a station works.
"""

import hashlib

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Speaker
from haichieu.database import Base
from haichieu.nodes import Node
from haichieu.people import OfficialPhone
from haichieu.sip.models import Phone, Trunk
from haichieu.station import Station
from ivr.calls.routing import Number
from ivr.prompts.custom import CustomPrompt

_OF_THE_DAY = {"reachable", "reachable_since", "node", "state", "state_since", "answered_in"}
_MODELS = (Speaker, Phone, Trunk, Station, Number, OfficialPhone, CustomPrompt)


SHARE = 0.02
"""The share of the time that looking may take while other rows are committed, as during a broadcast."""
LONGEST_PAUSE = 5.0
"""Seconds that a change waits at most: a look may have taken long because the machine or the database stood still."""


def pause_after(seconds: float) -> float:
    """Return how many seconds to wait after a look that took so long and found nothing changed."""
    return min(seconds / SHARE, LONGEST_PAUSE)


def followed_rows(session: Session) -> bytes:
    """Return the digest of the rows as they are now."""
    digest = hashlib.sha256()
    for model in _MODELS:
        table = Base.metadata.tables[model.__tablename__]
        # As text: nobody reads the values, and decoding those of a thousand speakers takes most of the time.
        columns = [sa.cast(column, sa.Text) for column in table.columns if column.name not in _OF_THE_DAY]
        rows = session.execute(sa.select(*columns).order_by(*table.primary_key.columns))
        digest.update(repr([tuple(row) for row in rows]).encode())
    nodes = session.execute(sa.select(Node.name, Node.sip).order_by(Node.name)).all()
    digest.update(repr([tuple(row) for row in nodes]).encode())
    return digest.digest()
