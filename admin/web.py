"""The Flask application: pages, API, health. It reads the database and owns no call.

Each part adds its own routes with a `register_…` function; the application does not start while a route has no
permission rule (`admin.access.permissions`).
"""

from collections.abc import Sequence

import jinja2
from flask import Blueprint, Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from admin.access.gate import register_gate
from admin.access.permissions import check_declarations
from admin.accounts.views import register_accounts
from admin.announce.views import register_announce
from admin.api.routes import register_api
from admin.audit_trail.views import register_audit_trail
from admin.broadcasts.broadcast_steps import register_broadcast_steps
from admin.broadcasts.log_views import register_broadcast_log
from admin.bulletins.views import register_bulletins
from admin.calendar.views import register_calendar
from admin.cases.views import register_case_pages
from admin.data_requests.views import register_data_requests
from admin.dictionary.views import register_pronunciations
from admin.duties.views import register_duties
from admin.emergency.views import register_emergency
from admin.flows.views import register_flows
from admin.health import register_health
from admin.layout.assets import register_assets
from admin.layout.language import register_language
from admin.layout.navigation import register_navigation
from admin.layout.places import register_places
from admin.layout.refusals import register_refusals
from admin.layout.sent_forms import register_sent_forms
from admin.login.views import register_login
from admin.my_account.views import register_my_account
from admin.node_media import register_node_media
from admin.notices.views import register_notices
from admin.now.views import register_now
from admin.numbers.views import register_numbers
from admin.officials.views import register_officials
from admin.panel import Panel, open_panel
from admin.programmes.views import register_programmes
from admin.prompts.views import register_prompts
from admin.repairs.views import register_repairs
from admin.reports.registers import register_registers
from admin.reports.views import register_reports
from admin.search.views import register_search
from admin.set_up.views import register_set_up
from admin.sounds.receiving import is_streamed
from admin.sounds.views import register_sounds
from admin.speakers.map_views import register_map
from admin.speakers.views import register_speakers
from admin.station.views import register_station
from admin.station_book.views import register_station_book
from admin.units.views import register_units
from admin.zones.views import register_zones
from haichieu.database import Database
from haichieu.settings import Settings

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "manifest-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
WITH_MICROPHONE = {"Permissions-Policy": "camera=(), geolocation=(), microphone=(self)"}
"""For pages with a recorder."""
LARGEST_FORM = 1_000_000


class RowNumber(IntegerConverter):
    """A row id in a path (`<int:number>`); a number that no database can store is not found."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=2**31 - 1)


def create_app(database: Database, settings: Settings, webhooks: Sequence[Blueprint] = ()) -> Flask:
    """Create the Flask application over a database; `webhooks` are called by other services.

    Raises RouteWithoutRule.
    """
    panel = open_panel(database, settings)
    app = Flask(__name__, static_folder=None, template_folder=".")  # each beside its area's code
    _configure(app, panel)
    register_gate(app, panel)
    register_language(app, panel)
    register_sent_forms(app, panel)
    register_refusals(app)
    register_assets(app)
    register_navigation(app, panel)
    register_places(app, panel)
    for register in (
        *(register_health, register_login, register_now, register_announce, register_emergency),
        *(register_accounts, register_my_account, register_notices, register_audit_trail, register_api),
        *(register_broadcast_log, register_broadcast_steps, register_reports, register_registers),
        *(register_map, register_speakers, register_zones, register_repairs, register_station_book),
        *(register_officials, register_set_up),
        *(register_search, register_sounds, register_case_pages, register_data_requests),
        *(register_programmes, register_bulletins, register_calendar, register_duties),
        *(register_numbers, register_flows, register_prompts, register_pronunciations),
        register_node_media,
        register_units,
        register_station,
    ):
        register(app, panel)
    for routes in webhooks:
        app.register_blueprint(routes)
    check_declarations(app)
    return app


def _configure(app: Flask, panel: Panel) -> None:
    app.config.update(
        SECRET_KEY=panel.signing_key,
        SESSION_COOKIE_NAME="__Host-haichieu-form" if panel.is_https else "haichieu-form",
        SESSION_COOKIE_SECURE=panel.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,  # the gate checks it after authentication
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=False,  # the cookie's prefix binds it to this host, whose name may differ behind a proxy
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        MAX_FORM_PARTS=1000,
    )
    app.url_map.converters["int"] = RowNumber
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.jinja_env.undefined = jinja2.StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if (count := panel.settings.web_proxies) > 0:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]

    @app.before_request
    def let_files_through() -> None:
        """Lift the size limit for routes that stream their body and have their own limit; no form is parsed from it."""
        view = app.view_functions.get(request.endpoint or "")
        if is_streamed(view) and request.mimetype == "application/octet-stream":
            request.max_content_length = 1 << 62

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS | (WITH_MICROPHONE if g.get("records") else {}))
        response.headers.setdefault("Cache-Control", "no-store")
        if panel.is_https:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response
