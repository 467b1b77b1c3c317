"""The web process: health and metrics. What it shows is read from the database; it holds no call."""

import datetime
import ipaddress
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from werkzeug.exceptions import HTTPException

from admin.status import StationStatus, component_states, station_status
from broadcast_bridge.models import Delivery
from broadcast_bridge.states import DELIVERY
from haichieu.database import Database, now

HEADERS = {
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def create_app(database: Database, webhooks: Sequence[Blueprint] = ()) -> Flask:
    """Make the Flask application over a database; `webhooks` are what other services call."""
    app = Flask(__name__, static_folder=None)

    for routes in webhooks:
        app.register_blueprint(routes)

    @app.get("/healthz")
    def healthz() -> tuple[Response, int]:
        """Every part of the station with `ok`, and `ok` over all; 503 when not."""
        answer = _health(database)
        return jsonify(answer), 200 if answer["ok"] else 503

    @app.get("/metrics")
    def metrics() -> Response:
        """Prometheus text, for this machine alone."""
        if not ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback:  # noqa: S104 (an address to refuse)
            return problem(403, "Forbidden", "Chỉ xem được từ chính máy này. / Metrics are for this machine alone.")
        return Response(generate_latest(_metrics(database)), content_type=CONTENT_TYPE_LATEST)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        return problem(error.code or 500, error.name, error.description or "")

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    return app


def problem(status: int, title: str, detail: str) -> Response:
    """A problem document (RFC 9457)."""
    response = jsonify({"type": "about:blank", "title": title, "status": status, "detail": detail})
    response.status_code = status
    response.content_type = "application/problem+json"
    return response


def _health(database: Database) -> dict[str, Any]:
    try:
        with database.session() as session:
            parts = {
                part.name: {"ok": part.ok, "seen_at": _iso(part.seen_at)} for part in component_states(session, now())
            }
    except sa.exc.SQLAlchemyError:
        return {"ok": False, "database": {"ok": False}}
    parts["web"] = {"ok": True, "seen_at": _iso(now())}
    return {"ok": all(part["ok"] for part in parts.values()), "database": {"ok": True}, **parts}


def _iso(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _metrics(database: Database) -> CollectorRegistry:
    with database.session() as session:
        status: StationStatus = station_status(session, now())
        counted = session.execute(sa.select(Delivery.state, sa.func.count()).group_by(Delivery.state)).all()
    registry = CollectorRegistry()
    up = Gauge("haichieu_component_up", "Whether a part of the station is up.", ["component"], registry=registry)
    for part in status.components:
        up.labels(part.name).set(part.ok)
    Gauge("haichieu_speakers", "Speakers in use.", registry=registry).set(len(status.speakers))
    Gauge("haichieu_speakers_reachable", "Speakers that can be reached.", registry=registry).set(status.reachable)
    Gauge("haichieu_broadcasts_open", "Broadcasts that have not ended.", registry=registry).set(len(status.on_air))
    Gauge("haichieu_call_backs_owed", "Calls owed to officials.", registry=registry).set(status.call_backs_owed)
    Gauge("haichieu_cases_open", "Cases that wait for an answer.", registry=registry).set(status.cases.open)
    Gauge("haichieu_cases_overdue", "Cases whose answer is late.", registry=registry).set(status.cases.overdue)
    Gauge("haichieu_transcripts_waiting", "Spoken messages not yet written down.", registry=registry).set(
        status.cases.transcripts
    )
    Gauge("haichieu_texts_waiting", "Texts that have not gone out.", registry=registry).set(status.texts_waiting)
    Gauge("haichieu_alarms_open", "Alarms that nobody has cleared.", registry=registry).set(len(status.alarms))
    deliveries = Gauge("haichieu_deliveries", "Deliveries by state.", ["state"], registry=registry)
    for state in DELIVERY.states:
        deliveries.labels(str(state)).set(0)
    for name, count in counted:
        deliveries.labels(name).set(count)
    return registry
