"""Blocking requests to the REST interface of a test's Asterisk."""

import base64
import json
import urllib.request
from typing import Any

from dialplans.configuration import ari_password
from haichieu.settings import Settings


def authorization(settings: Settings) -> str:
    """Return the header's value for the station's ARI user."""
    return "Basic " + base64.b64encode(f"haichieu:{ari_password(settings)}".encode()).decode()


def request(settings: Settings, method: str, path: str, body: object = None) -> Any:
    """Send one request below `/ari` and return the JSON of its answer. Raises urllib.error.HTTPError and URLError."""
    sent = urllib.request.Request(
        f"http://{settings.ari_host}:{settings.ari_port}/ari{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": authorization(settings), "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(sent, timeout=10) as answer:
        return json.loads(answer.read() or b"null")
