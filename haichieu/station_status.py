"""Status of the station as data: components, speakers, current broadcasts, pending work and alarms."""

import datetime
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from broadcast_bridge.broadcasts.broadcast_lifecycle import open_broadcasts, speakers_playing
from broadcast_bridge.models import Broadcast, CallBack, Speaker
from feedback.cases.case_search import Waiting, waiting
from feedback.texts import outbox
from haichieu.alarms import open_alarms
from haichieu.backup.backing_up import last_backup
from haichieu.heartbeats import MAIN, latest
from haichieu.locale import Message, message, render
from haichieu.nodes import NodeStatus, node_states
from haichieu.sip.models import Trunk, TrunkState
from haichieu.station import the_station

COMPONENTS = ("asterisk", "switchboard", "worker", "web")
FAN_OUT = "fan-out"
"""A component of stations that have the setting `fan_out` on."""


@dataclass(frozen=True)
class Component:
    """One part of the station; `seen_at` is its last heartbeat."""

    name: str
    ok: bool
    seen_at: datetime.datetime | None


@dataclass(frozen=True)
class SpeakerStatus:
    """One speaker; a multicast group cannot be monitored: `supervised` is false, and it counts as reachable."""

    code: str
    name: str
    reachable: bool
    supervised: bool
    since: datetime.datetime | None


@dataclass(frozen=True)
class TrunkStatus:
    """One carrier; `state` is a `TrunkState`, empty until the switchboard has looked."""

    code: str
    host: str
    state: str
    since: datetime.datetime | None
    ok: bool

    @property
    def words(self) -> Message:
        """The state in words."""
        return message(f"trunk.state.{self.state or 'unknown'}")


@dataclass(frozen=True)
class OnAir:
    """One broadcast that has not ended."""

    id: int
    zone: str
    official: str
    state: str
    since: datetime.datetime
    playing: int
    speakers: int


@dataclass(frozen=True)
class StationStatus:
    """The output of `haichieu status`."""

    ok: bool
    timezone: str
    """The station's time zone, in which moments are shown."""
    components: tuple[Component, ...]
    speakers: tuple[SpeakerStatus, ...]
    trunks: tuple[TrunkStatus, ...]
    on_air: tuple[OnAir, ...]
    call_backs_owed: int
    cases: Waiting
    transcriber: str
    """The transcription engine, as the worker reports it; `none` leaves messages waiting."""
    voices: str
    """The voice that reads each language, as the worker reports it."""
    texts_waiting: int
    last_backup: datetime.datetime | None
    alarms: tuple[Message, ...]
    served_directly: int
    """Speakers that get their sound from the fan-out."""
    nodes: tuple[NodeStatus, ...]
    """The stations that share the database, if there are several."""

    @property
    def reachable(self) -> int:
        """Number of reachable speakers."""
        return sum(speaker.reachable for speaker in self.speakers)

    def as_json(self, language: str) -> dict[str, object]:
        """Return it for programs: moments in ISO 8601, alarms as sentences in `language`."""
        return {
            **asdict(self),
            "reachable": self.reachable,
            "total": len(self.speakers),
            "alarms": [render(alarm, language, self.timezone) for alarm in self.alarms],
        }


def station_status(session: Session, at: datetime.datetime, node: str = MAIN) -> StationStatus:
    """Return the status at the moment `at`, with the components of one node."""
    components = component_states(session, at, node)
    return StationStatus(
        ok=all(component.ok for component in components),
        timezone=the_station(session).timezone,
        components=components,
        speakers=tuple(
            SpeakerStatus(
                speaker.code,
                speaker.name,
                speaker.counts_as_reachable,
                not speaker.is_multicast,
                speaker.reachable_since,
            )
            for speaker in session.scalars(
                sa.select(Speaker).where(Speaker.removed_at.is_(None)).order_by(Speaker.code)
            )
        ),
        trunks=trunk_states(session),
        on_air=tuple(_on_air(session)),
        call_backs_owed=session.scalars(
            sa.select(sa.func.count()).select_from(CallBack).where(CallBack.state.in_(["owed", "calling"]))
        ).one(),
        cases=waiting(session, at),
        transcriber=_of_worker(session, "transcriber", node),
        voices=_of_worker(session, "voices", node),
        texts_waiting=outbox.waiting(session),
        last_backup=last_backup(session),
        alarms=tuple(
            message("base.alarm.line", subject=alarm.subject, text=alarm.text) for alarm in open_alarms(session)
        ),
        served_directly=_served_directly(session, at, node),
        nodes=nodes_of_status(session),
    )


def nodes_of_status(session: Session) -> tuple[NodeStatus, ...]:
    """Return the nodes with the number of speakers at each; none for a station that is alone."""
    here = sa.select(Speaker.node, sa.func.count()).where(Speaker.removed_at.is_(None), Speaker.reachable)
    found = node_states(session, {node: count for node, count in session.execute(here.group_by(Speaker.node))})
    return found if len(found) > 1 else ()


def _served_directly(session: Session, at: datetime.datetime, node: str) -> int:
    beat = latest(session, node).get("switchboard")
    return int(beat.detail.get("served_directly", 0)) if beat is not None and beat.alive(at) else 0


def _of_worker(session: Session, detail: str, node: str) -> str:
    beat = latest(session, node).get("worker")
    return str(beat.detail.get(detail, "")) if beat else ""


def trunk_states(session: Session) -> tuple[TrunkStatus, ...]:
    """Return every carrier's state, as the switchboard last saw it."""
    good = (TrunkState.REGISTERED, TrunkState.BY_ADDRESS)
    return tuple(
        TrunkStatus(trunk.code, trunk.host, trunk.state, trunk.state_since, trunk.state in good)
        for trunk in session.scalars(sa.select(Trunk).order_by(Trunk.id))
    )


def component_states(session: Session, at: datetime.datetime, node: str = MAIN) -> tuple[Component, ...]:
    """Return the state of every component of a node by its last heartbeat.

    Asterisk and the fan-out are up while the switchboard is connected to them.
    """
    beats = latest(session, node)
    switchboard = beats.get("switchboard")
    has_fan_out = switchboard is not None and FAN_OUT in switchboard.detail
    states = []
    for name in (*COMPONENTS, FAN_OUT) if has_fan_out else COMPONENTS:
        is_seen_by_switchboard = name in ("asterisk", FAN_OUT)
        beat = switchboard if is_seen_by_switchboard else beats.get(name)
        ok = beat is not None and beat.alive(at)
        if is_seen_by_switchboard and beat is not None:
            ok = ok and bool(beat.detail.get(name))
        states.append(Component(name, ok, beat.at if beat else None))
    return tuple(states)


def _on_air(session: Session) -> Iterable[OnAir]:
    broadcasts = session.scalars(
        sa.select(Broadcast)
        .where(Broadcast.id.in_(open_broadcasts(session)))
        .options(joinedload(Broadcast.official))
        .order_by(Broadcast.id)
    ).all()
    counts = speakers_playing(session, [one.id for one in broadcasts])
    for broadcast in broadcasts:
        yield OnAir(
            broadcast.id,
            broadcast.zone_names,
            broadcast.on_air_name,
            broadcast.state,
            broadcast.on_air_at or broadcast.created_at,
            *counts.get(broadcast.id, (0, 0)),
        )
