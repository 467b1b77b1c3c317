"""Speakers and broadcasts."""

from collections.abc import Mapping, Sequence
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from admin.access.visitors import visitor
from admin.api import documents
from admin.api.api_operations import Api, Operation
from admin.api.documents import Broadcasts, BroadcastWish, Paging, Speakers, Stopped
from admin.api.idempotency import remember
from admin.broadcasts.announcing import Wish, put_on_air
from admin.broadcasts.scope import find_broadcast, seen_by, units_of_broadcast
from admin.layout.language import sentence
from admin.panel import Panel
from broadcast_bridge.broadcasts import calling_off
from broadcast_bridge.broadcasts.states import reason_message
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from haichieu.account_rights import Action
from haichieu.database import now


def register_broadcasts(api: Api, panel: Panel) -> None:
    """Add their routes."""

    @api.serves(Operation("GET", "/speakers", "Speakers and their state.", Action.VIEW, Speakers))
    def speakers() -> Speakers:
        with panel.database.reading() as session:
            found = session.scalars(
                sa.select(Speaker)
                .where(Speaker.removed_at.is_(None), Speaker.unit_id.in_(visitor().units))
                .options(joinedload(Speaker.unit))
                .order_by(Speaker.code)
            )
            return Speakers(items=[_speaker(one) for one in found])

    @api.serves(Operation("GET", "/broadcasts", "Broadcasts, the newest first.", Action.VIEW, Broadcasts, query=Paging))
    def broadcasts(query: Paging) -> Broadcasts:
        with panel.database.reading() as session:
            wanted = sa.select(Broadcast).where(seen_by(session, visitor())).options(joinedload(Broadcast.official))
            if query.before is not None:
                wanted = wanted.where(Broadcast.id < query.before)
            found = session.scalars(wanted.order_by(Broadcast.id.desc()).limit(query.limit + 1)).all()
            shown = found[: query.limit]
            zones = _zones_of(session, shown)
            return Broadcasts(
                items=[documents.Broadcast(**_broadcast(one, zones[one.id])) for one in shown],
                next=shown[-1].id if len(found) > query.limit else None,
            )

    @api.serves(
        Operation(
            "POST", "/broadcasts", "Broadcast a text or an approved programme. A text needs the right `announce`, an "
            "emergency the right `emergency`.", Action.VIEW, documents.BroadcastWithDeliveries,
            body=BroadcastWish, status=201, refusals=(409, 503), show=partial(_whole, panel),
        ),
        checks_units=True,
    )  # fmt: skip
    def ask_for_broadcast(body: BroadcastWish) -> documents.BroadcastWithDeliveries:
        wish = Wish(body.zones, body.text or "", body.programme, priority=body.priority, at=body.at)
        return _whole(panel, put_on_air(panel, visitor(), wish, now(), remember))

    @api.serves(
        Operation(
            "GET", "/broadcasts/<int:number>", "A broadcast with its deliveries.", Action.VIEW,
            documents.BroadcastWithDeliveries, refusals=(404,),
        )
    )  # fmt: skip
    def broadcast(number: int) -> documents.BroadcastWithDeliveries:
        return _whole(panel, number)

    @api.serves(
        Operation(
            "POST", "/broadcasts/<int:number>/stop", "Stop a broadcast, cancel one that is planned, or call "
            "off one that is over for the speakers that would still get it.",
            Action.AIR, Stopped, refusals=(404,),
        ),
        where=units_of_broadcast,
    )  # fmt: skip
    def stop(number: int) -> Stopped:
        with panel.database.session() as session:
            called_off = calling_off.stop(session, number, visitor().actor, now())
            return Stopped(id=number, state=session.get_one(Broadcast, number).state, called_off=called_off)


def _whole(panel: Panel, number: int) -> documents.BroadcastWithDeliveries:
    with panel.database.reading() as session:
        found = find_broadcast(session, visitor(), number)
        return documents.BroadcastWithDeliveries(
            **_broadcast(found, _zones_of(session, [found])[number]),
            deliveries=[_delivery(one) for one in found.deliveries],
        )


def _zones_of(session: Session, found: Sequence[Broadcast]) -> Mapping[int, Sequence[str]]:
    """Return the zones of each broadcast; one for speakers that missed an earlier one has the zones of that one."""
    again = {one.id: one.again_of_id for one in found if one.again_of_id is not None}
    firsts: dict[int, list[str]] = dict(
        session.execute(sa.select(Broadcast.id, Broadcast.zone_codes).where(Broadcast.id.in_(again.values()))).all()
    )
    return {one.id: one.zone_codes or firsts.get(one.again_of_id or 0, []) for one in found}


def _broadcast(one: Broadcast, zones: Sequence[str]) -> dict[str, object]:
    return {
        "id": one.id, "kind": one.kind, "title": one.on_air_name, "state": one.state,
        "reason": _reason(one.reason), "priority": one.priority, "zones": zones,
        "zone_names": one.zone_names, "asked_by": one.asked_by, "created_at": one.created_at, "due_at": one.due_at,
        "on_air_at": one.on_air_at, "ended_at": one.ended_at, "synthetic": one.synthetic or "none",
    }  # fmt: skip


def _reason(reason: str | None) -> str | None:
    return None if reason is None else sentence(reason_message(reason))


def _delivery(one: Delivery) -> documents.Delivery:
    return documents.Delivery(
        speaker=one.speaker.code, name=one.speaker.name, state=one.state, reason=_reason(one.reason),
        called_off=_reason(one.called_off), first_audio_at=one.first_audio_at, seconds=round(one.seconds, 2),
        heard=one.heard, loss=None if one.loss is None else round(one.loss, 4), jitter_ms=one.jitter_ms,
    )  # fmt: skip


def _speaker(one: Speaker) -> documents.Speaker:
    return documents.Speaker(
        id=one.code, name=one.name, unit=one.unit.code, reachable=one.counts_as_reachable,
        supervised=not one.is_multicast, since=one.reachable_since, latitude=one.latitude, longitude=one.longitude,
    )  # fmt: skip
