"""The HTTP server of the web process: Flask in threads behind an asynchronous reader.

A client occupies a connection and never a thread while the server waits for it: `connections` limits how many and for
how long, `bodies` reads the request, and only then `threads` runs the application (`wsgi`).
"""
