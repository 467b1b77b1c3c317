"""Static files under names that change with their content, so that browsers cache them for ever.

They are read and compressed when the process starts; `/static/DIGEST/NAME` is answered from memory.
"""

import functools
import gzip
import hashlib
import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, abort, request

from admin.access.permissions import open_to_all

FOLDER = Path(__file__).parent.parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".webmanifest": "application/json"}
_SERVED = (*_TYPES, ".png", ".ico")
_SHRINKS = {".js", ".css", ".svg"}


@dataclass(frozen=True)
class Asset:
    """One file: its content, plain and compressed (None where compression saves nothing)."""

    name: str
    digest: str
    content: bytes
    compressed: bytes | None
    content_type: str

    @property
    def path(self) -> str:
        """Where it is found."""
        return f"/static/{self.digest}/{self.name}"


class Assets:
    """The static files of the panel, by name (`panel/panel.css`)."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._by_name = _read(folder)

    def path(self, name: str) -> str:
        """Where the file is found. Raises KeyError."""
        return self._by_name[name].path

    def find(self, digest: str, name: str) -> Asset | None:
        """Return the file, if its content is still the requested one."""
        asset = self._by_name.get(name)
        return asset if asset is not None and asset.digest == digest else None


def register_assets(app: Flask) -> None:
    """Serve the static files, and give templates `asset(name)`."""
    assets = Assets()
    app.jinja_env.globals["asset"] = assets.path

    @app.get("/static/<digest>/<path:name>")
    @open_to_all
    def static_file(digest: str, name: str) -> Response:
        """Return a script, style sheet or image, cached by browsers for ever."""
        asset = assets.find(digest, name)
        if asset is None:
            abort(404)
        gzipped = asset.compressed is not None and request.accept_encodings.quality("gzip") > 0
        response = Response(asset.compressed if gzipped else asset.content, content_type=asset.content_type)
        if gzipped:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = FOR_EVER
        return response


@functools.cache
def _read(folder: Path) -> Mapping[str, Asset]:
    """Read and compress the files once per process."""
    return {asset.name: asset for asset in _files(folder)}


def _files(folder: Path) -> Iterator[Asset]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix in _SERVED:
            content = file.read_bytes()
            kind = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            text = kind.startswith("text/") or file.suffix in _TYPES
            yield Asset(
                file.relative_to(folder).as_posix(),
                hashlib.sha256(content).hexdigest()[:16],
                content,
                gzip.compress(content, 9, mtime=0) if file.suffix in _SHRINKS else None,
                f"{kind}; charset=utf-8" if text else kind,
            )
