"""Sounds for `<audio>`: by the number of their row and never by a path, in parts where a player asks for parts."""

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
"""What a browser may take it for; anything else is saved and not played."""


def register_sounds(app: Flask, panel: Panel) -> None:
    """Add the routes that every player of the panel uses."""

    @app.get("/sounds/<int:number>")
    @needs(Action.VIEW, where=heard_from)
    def sound(number: int) -> Response:
        """A recording, a programme's sound, what was on air; whole or a part of it (RFC 9110 §14)."""
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
        """The outline of a sound, to be drawn above its player."""
        with panel.database.reading() as session:
            file = panel.store.path(find_sound(session, visitor(), number))
        try:
            return jsonify({"peaks": peaks(file)})
        except UnreadableSound:
            raise NoSuchSound(number) from None
