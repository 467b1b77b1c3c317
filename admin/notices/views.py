"""The installable app (manifest, service worker), and an account's notices: kinds, and browsers that receive them."""

from collections.abc import Callable
from typing import cast

from flask import Flask, flash, jsonify, redirect, request, url_for
from flask import Response as FlaskResponse
from werkzeug.wrappers import Response

from admin.access.permissions import open_to_all
from admin.access.visitors import visitor
from admin.layout.assets import FOLDER
from admin.layout.language import page_language, say
from admin.layout.pages import Form, sent_form
from admin.notices import subscriptions
from admin.notices.push_encryption import station_key
from admin.panel import Panel
from haichieu.database import now
from haichieu.errors import UsageError
from haichieu.people import Account

WORKER = FOLDER / "panel" / "service-worker.js"
ICONS = (("panel/icon-192.png", "192x192"), ("panel/icon-512.png", "512x512"))


def register_notices(app: Flask, panel: Panel) -> None:
    """Add the manifest, the service worker and the form of notices."""

    @app.template_global("notices_of_account")
    def notices_of_account() -> dict[str, object]:
        """Return the kinds of the visitor's role, those that are wanted, their browsers, and the station's key."""
        with panel.database.reading() as session:
            account = session.get_one(Account, visitor().account.id)
            return {
                "kinds": subscriptions.kinds_for(account),
                "wanted": subscriptions.wanted(session, account),
                "browsers": subscriptions.browsers_of(session, account),
                "key": station_key(panel.settings.home.absolute()).public,
            }

    @app.get("/manifest.webmanifest")
    @open_to_all
    def manifest() -> FlaskResponse:
        """Return the manifest with which a browser installs the panel as an app (W3C Web Application Manifest)."""
        icon = cast("Callable[[str], str]", app.jinja_env.globals["asset"])
        answer = jsonify(
            {
                "id": "/",
                "name": "Hai Chiều",
                "short_name": "Hai Chiều",
                "lang": page_language(),
                "start_url": "/",
                "scope": "/",
                "display": "standalone",
                "theme_color": "#0b5394",
                "background_color": "#f4f6f9",
                "icons": [
                    {"src": icon(name), "sizes": sizes, "type": "image/png", "purpose": purpose}
                    for name, sizes in ICONS
                    for purpose in ("any", "maskable")
                ],
            }
        )
        answer.content_type = "application/manifest+json"
        return answer

    @app.get("/service-worker.js")
    @open_to_all
    def service_worker() -> FlaskResponse:
        """Return the script that shows pushes; its path is its scope, so it is not among the static files."""
        answer = FlaskResponse(WORKER.read_bytes(), content_type="text/javascript; charset=utf-8")
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def change_notices(panel: Panel) -> Response:
    """Store the wanted kinds; with `do`, add the visitor's browser, or remove one of their browsers."""
    form = sent_form()
    try:
        said = _change(panel, form)
    except UsageError as refusal:
        flash(say("my_account.notices_refused", problem=refusal.message), "danger")
    else:
        flash(said)
    return redirect(url_for("my_account", _anchor="notices"), 303)


def _change(panel: Panel, form: Form) -> str:
    """Do what the form asks for and return what to say. Raises UsageError."""
    with panel.database.session() as session:
        account = session.get_one(Account, visitor().account.id)
        if number := form.row_id("remove"):
            subscriptions.unsubscribe(session, account, number)
            return say("my_account.notices_removed")
        subscriptions.choose(session, account, form.values("kind"))
        if form.value("do") != "add":
            return say("my_account.notices_saved")
        offer = subscriptions.Offer(form.value("endpoint"), form.value("p256dh"), form.value("auth"))
        subscriptions.subscribe(session, account, offer, request.headers.get("User-Agent", ""), now())
        return say("my_account.notices_added")
