"""The audit trail page, with a filter in its address."""

from flask import Flask, request
from werkzeug.wrappers import Response

from admin.access.permissions import needs
from admin.entries.scope import every_unit
from admin.layout.pages import page
from admin.panel import Panel
from haichieu import audit
from haichieu.account_rights import Action

ROWS = 50


def register_audit_trail(app: Flask, panel: Panel) -> None:
    """Add the page of the audit trail."""

    @app.get("/audit")
    @needs(Action.AUDIT, where=every_unit)
    def audit_trail() -> Response:
        """List the newest entries, or those before one, filtered by words."""
        words = request.args.get("q", "")[:200].strip()
        before = request.args.get("before", type=int)
        if before is not None and not 0 < before < 2**31:
            before = None
        with panel.database.reading() as session:
            found = audit.find(session, words=words, most=ROWS + 1, before=before)
        older = found[ROWS - 1].id if len(found) > ROWS else None
        return page("audit_trail/audit_trail.html", entries=found[:ROWS], words=words, before=before, older=older)
