"""`/healthz` and `/metrics` for supervisors and monitoring."""

import datetime
import ipaddress
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from admin.access import tokens
from admin.access.errors import TokenRefused
from admin.access.permissions import open_to_all
from admin.layout.refusals import problem
from admin.panel import Panel
from broadcast_bridge.broadcasts.broadcast_reports import filed_at
from broadcast_bridge.broadcasts.states import DELIVERY
from broadcast_bridge.models import Delivery
from haichieu.account_rights import Action, may
from haichieu.database import Database, now
from haichieu.locale import message
from haichieu.station_status import StationStatus, component_states, station_status

COUNTED = datetime.timedelta(hours=24)
"""Deliveries older than this are not counted: the log of years would be read at every request."""


def register_health(app: Flask, panel: Panel) -> None:
    """Add both routes."""
    database, node = panel.database, panel.settings.node

    @app.get("/healthz")
    @open_to_all
    def healthz() -> tuple[Response, int]:
        """Return each component with `ok`, and `ok` for all of them; 503 when one fails."""
        answer = _health(database, node)
        return jsonify(answer), 200 if answer["ok"] else 503

    @app.get("/metrics")
    @open_to_all
    def metrics() -> Response:
        """Return Prometheus text, for this machine or with a token."""
        if not (_is_from_here() or _has_token(panel)):
            return problem(403, "Forbidden", message("api.metrics_local"))
        return Response(generate_latest(_metrics(database, node)), content_type=CONTENT_TYPE_LATEST)


def _is_from_here() -> bool:
    """Return whether the request comes from this machine; an undeclared local proxy reveals itself by its headers."""
    try:
        here = ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
    return here and not any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"))


def _has_token(panel: Panel) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    try:
        return may(tokens.account_with_token(panel.database, token.strip(), now()), Action.VIEW)
    except TokenRefused:
        return False


def _health(database: Database, node: str) -> dict[str, Any]:
    try:
        with database.reading() as session:
            parts = {
                part.name: {"ok": part.ok, "seen_at": _iso(part.seen_at)}
                for part in component_states(session, now(), node)
            }
    except sa.exc.SQLAlchemyError:
        return {"ok": False, "database": {"ok": False}}
    parts["web"] = {"ok": True, "seen_at": _iso(now())}
    return {"ok": all(part["ok"] for part in parts.values()), "database": {"ok": True}, **parts}


def _iso(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _metrics(database: Database, node: str) -> CollectorRegistry:
    with database.reading() as session:
        status: StationStatus = station_status(session, now(), node)
        counted = session.execute(
            sa.select(Delivery.state, sa.func.count())
            .join(Delivery.broadcast)
            .where(filed_at() > now() - COUNTED)
            .group_by(Delivery.state)
        ).all()
    registry = CollectorRegistry()
    up = Gauge("haichieu_component_up", "Whether a part of the station is up.", ["component"], registry=registry)
    for part in status.components:
        up.labels(part.name).set(part.ok)
    Gauge("haichieu_speakers", "Speakers in use.", registry=registry).set(len(status.speakers))
    Gauge("haichieu_speakers_reachable", "Reachable speakers.", registry=registry).set(status.reachable)
    Gauge("haichieu_speakers_direct", "Speakers that get their sound from the fan-out.", registry=registry).set(
        status.served_directly
    )
    carrier = Gauge("haichieu_trunk_up", "Whether a carrier has registered the station.", ["trunk"], registry=registry)
    for trunk in status.trunks:
        carrier.labels(trunk.code).set(trunk.ok)
    Gauge("haichieu_broadcasts_open", "Broadcasts in progress or planned.", registry=registry).set(len(status.on_air))
    Gauge("haichieu_call_backs_owed", "Pending calls to officials.", registry=registry).set(status.call_backs_owed)
    Gauge("haichieu_cases_open", "Cases waiting for an answer.", registry=registry).set(status.cases.open)
    Gauge("haichieu_cases_overdue", "Cases past their due date.", registry=registry).set(status.cases.overdue)
    Gauge("haichieu_transcripts_waiting", "Voice messages without a transcript.", registry=registry).set(
        status.cases.transcripts
    )
    Gauge("haichieu_texts_waiting", "Texts waiting to be sent.", registry=registry).set(status.texts_waiting)
    Gauge("haichieu_alarms_open", "Alarms not acknowledged.", registry=registry).set(len(status.alarms))
    deliveries = Gauge("haichieu_deliveries", "Deliveries of the last 24 hours by state.", ["state"], registry=registry)
    for state in DELIVERY.states:
        deliveries.labels(str(state)).set(0)
    for name, count in counted:
        deliveries.labels(name).set(count)
    return registry
