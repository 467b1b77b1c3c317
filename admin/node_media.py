"""Sound files for the other nodes of a province, who show the token that only they can make."""

import hmac
import re

from flask import Flask, Response, abort, request, send_file

from admin.access.permissions import open_to_all
from admin.panel import Panel
from haichieu.media_from_nodes import HEADER, ROUTE, token_of

NAME = re.compile(r"[0-9a-f]{64}(\.original)?\.[a-z0-9]{1,8}")


def register_node_media(app: Flask, panel: Panel) -> None:
    """Add the route."""
    store, token = panel.store, token_of(panel.vault)

    @app.get(f"{ROUTE}<name>")
    @open_to_all
    def node_media(name: str) -> Response:
        """Return a file of the store, or a part of it (Range), to another node."""
        if not hmac.compare_digest(request.headers.get(HEADER, "").encode(), token.encode()):
            abort(403)
        file = store.folder / name[:2] / name
        if NAME.fullmatch(name) is None or not file.is_file():
            abort(404)
        return send_file(file, mimetype="application/octet-stream", conditional=True)
