"""A server of voices on loopback: it honours ranges, and can break off, lie and forget."""

import http.server
import threading
from collections.abc import Mapping
from typing import Self


class VoiceServer:
    """Serves `files` by path; `break_after` is the number of bytes after which the next answer ends."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.break_after: int | None = None
        self.honours_ranges = True
        self.asked: list[tuple[str, str]] = []
        """Path and Range header of every request."""
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def _handler(server) -> type[http.server.BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, wanted = self.path.lstrip("/"), self.headers.get("Range", "")
                server.asked.append((path, wanted))
                content = server.files.get(path)
                if content is None:
                    self.send_error(404)
                    return
                start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.honours_ranges else 0
                self.send_response(206 if start else 200)
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                end, server.break_after = server.break_after, None
                self.wfile.write(content[start:] if end is None else content[start : start + end])
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        return Handler
