"""Audio for `<audio>` elements, by row id, with range requests."""

from flask import Flask, jsonify, send_file
from werkzeug.wrappers import Response

from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.panel import Panel
from admin.sounds.listening import NoSuchSound, find_sound, heard_from
from admin.sounds.peaks import peaks
from haichieu.account_rights import Action
from haichieu.audio.errors import UnreadableSound

_TYPES = {
    ".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg",
    ".flac": "audio/flac", ".m4a": "audio/mp4", ".aac": "audio/aac", ".webm": "audio/webm",
}  # fmt: skip
"""Types that browsers play; anything else is downloaded."""


def register_sounds(app: Flask, panel: Panel) -> None:
    """Add the routes of the panel's audio players."""

    @app.get("/sounds/<int:number>")
    @needs(Action.VIEW, where=heard_from)
    def sound(number: int) -> Response:
        """Return a recording, whole or in ranges (RFC 9110 §14)."""
        with panel.database.reading() as session:
            media = find_sound(session, visitor(), number)
            file, ending = panel.store.path(media), f".{media.suffix.rpartition('.')[2]}"
        if not file.is_file():
            raise NoSuchSound(number)
        kind = _TYPES.get(ending)
        response = send_file(
            file,
            mimetype=kind or "application/octet-stream",
            as_attachment=kind is None,
            download_name=f"haichieu-{number}{ending}",
            etag=media.sha256,
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/sounds/<int:number>/peaks")
    @needs(Action.VIEW, where=heard_from)
    def sound_peaks(number: int) -> Response:
        """Return the outline of a recording, drawn above its player."""
        with panel.database.reading() as session:
            file = panel.store.path(find_sound(session, visitor(), number))
        try:
            return jsonify({"peaks": peaks(file)})
        except UnreadableSound:
            raise NoSuchSound(number) from None
