"""Plan of one broadcast, made of its rows and of the rules of the studio."""

import datetime
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session, joinedload

from broadcast_bridge.broadcasts.expected import keys_of
from broadcast_bridge.broadcasts.sharing import relays_of
from broadcast_bridge.broadcasts.spoken_rests import is_being_spoken
from broadcast_bridge.broadcasts.states import Kind, Priority, Synthetic
from broadcast_bridge.models import Broadcast, Delivery
from broadcast_bridge.studio.growing_sound import clips_of
from broadcast_bridge.studio.recorded_sound import Clip
from broadcast_bridge.studio.speaker_target import Calling, LegTarget, MulticastRoute, Shown, leg_target, relay_target
from haichieu.media import Media, MediaStore

log = structlog.get_logger()


@dataclass(frozen=True)
class Sounds:
    """The sounds at the beginning and end of a broadcast, as paths without extension."""

    opening_chime: str
    closing_chime: str
    ready_tone: str
    siren: str


@dataclass(frozen=True)
class StudioRules:
    """Times in seconds, route of multicast, name of this switchboard, and how the station presents itself.

    An empty `multicast_interface`, a local address, leaves the choice to the routing table. `synthetic_label` returns
    the sound that says how much of a broadcast is synthetic, "" for none; it is called in a thread.
    """

    answer_seconds: float
    qualify_seconds: float
    max_live_seconds: int
    max_hold_seconds: int
    multicast_interface: str
    node: str
    multicast_ttl: int = 1
    shown: Callable[[Session], Shown] = lambda _: Shown()
    dial_ahead: bool = True
    synthetic_label: Callable[[Synthetic], str] = lambda _: ""

    @property
    def calling(self) -> Calling:
        """Return how speakers are called."""
        return Calling(MulticastRoute(self.multicast_interface, self.multicast_ttl), self.shown)


@dataclass(frozen=True)
class Plan:
    """A broadcast whose rows are committed and whose speakers are taken."""

    broadcast_id: int
    targets: tuple[LegTarget, ...]
    opening: str
    keys: Sequence[str] = ()
    wideband: bool = False
    sounds: tuple[Clip, ...] = ()
    skip_seconds: float = 0.0
    times: int = 1
    pause_seconds: float = 0.0
    is_growing: bool = False
    """A long text, of which the rest is still being spoken."""
    is_urgent: bool = False
    label: str = ""
    """The sound that says that a synthetic voice speaks; "" for none."""
    starts_at: datetime.datetime | None = None
    """When all nodes begin it, by the database's clock; None if this one plays it alone."""
    is_relayed: bool = False
    """A live voice of an official at another node."""
    relays: tuple[LegTarget, ...] = ()
    """The other nodes that get the live voice from here."""

    @property
    def is_shared(self) -> bool:
        """Whether other nodes play parts of it."""
        return self.starts_at is not None or self.is_relayed or bool(self.relays)


def plan_of(
    session: Session,
    broadcast: Broadcast,
    *,
    store: MediaStore,
    sounds: Sounds,
    calling: Calling,
    label: Callable[[Synthetic], str],
    node: str,
) -> Plan:
    """Return the plan of a broadcast whose speakers are taken, with those that this node serves."""
    priority, shown = Priority(broadcast.priority), calling.shown(session)
    mine = sa.select(Delivery).where(
        Delivery.broadcast_id == broadcast.id, Delivery.active, Delivery.node.in_(("", node))
    )
    active = session.scalars(mine.options(joinedload(Delivery.speaker)).order_by(Delivery.id)).all()
    log.info(
        "broadcast.planned",
        broadcast=broadcast.id,
        zone=broadcast.zone_names,
        priority=str(priority),
        speakers=len(active),
        synthetic=broadcast.synthetic,
    )
    return Plan(
        broadcast.id,
        tuple(leg_target(delivery, priority, calling.route, shown) for delivery in active),
        sounds.siren if broadcast.siren else sounds.opening_chime,
        keys_of(broadcast),
        # A live voice is narrow-band: the cheaper bridge is enough.
        needs_wideband(
            store,
            [sound.media for sound in broadcast.sounds],
            (delivery.speaker.codecs for delivery in active),
        ),
        clips_of(session, store, broadcast),
        broadcast.offset_seconds,
        broadcast.times,
        broadcast.pause_seconds,
        is_being_spoken(session, broadcast.id),
        priority is Priority.EMERGENCY,
        label(Synthetic(broadcast.synthetic)),
        None if broadcast.kind == Kind.LIVE else broadcast.starts_at,
        broadcast.kind == Kind.LIVE and broadcast.node != node,
        tuple(relay_target(broadcast.id, other) for other in relays_of(session, broadcast, node)),
    )


def needs_wideband(store: MediaStore, sounds: Collection[Media], codecs: Iterable[Collection[str]]) -> bool:
    """Return whether any speaker can play a broadcast of these sounds better than a telephone would."""
    files = [store.path(sound).with_suffix(".wav16") for sound in sounds]
    return bool(files) and any("g722" in known for known in codecs) and all(file.exists() for file in files)
