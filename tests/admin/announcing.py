"""The steps of *Broadcast now*: a sound is sent, and what the preview shows is put on air."""

import re

from werkzeug.test import TestResponse

from tests.builders.house import Browser


def mark(browser: Browser, path: str) -> str:
    found = re.search(r'name="confirmed" value="([0-9a-f]{64})"', browser.get(path).text)
    assert found
    return found[1]


def put_on_air(browser: Browser, path: str, **fields: str) -> TestResponse:
    return browser.post(path, confirmed=mark(browser, path), **{"then": "now", **fields})


def sent_sound(browser: Browser, sound: bytes, zone: str = "12", name: str = "recording.webm") -> TestResponse:
    headers = {"X-CSRFToken": browser.form_token("/account"), "Accept": "application/problem+json"}
    return browser.client.post(
        "/announce/sound", query_string={"zone": zone, "name": name}, data=sound, headers=headers,
        content_type="application/octet-stream",
    )  # fmt: skip
