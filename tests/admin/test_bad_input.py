"""Hostile and odd input in every form of every page: refused or stored, never run, never a broken page."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import html

from admin.access import sessions
from admin.access.models import WebSession
from haichieu.database import Database, now
from tests.admin.browsing import PROOF
from tests.admin.forms import PAGES, SentForm, forms_on, things
from tests.builders.house import PAGE, Browser, House, build

WHO = "admin@district.example"
SCRIPT = "</textarea></script><script>alert(1)</script><img src=x onerror=alert(2)>"
HOSTILE = {
    "script": SCRIPT,
    "long": "Ă" * 10_000,
    "right to left, combining, nothing": "\u202egnp.exe\u202c a\u0300\u0301\u0302\u0303"
    + "\u0336" * 50
    + "\x00\ufeff\u2028",
    "path": "../../../../etc/passwd\\..\\con",
    "formula": '=HYPERLINK("http://x","y")',
}
KINDS = list(HOSTILE)
"""Every form gets the script; with HAICHIEU_PROOF it gets them all."""
LEAVES = ("/logout", "/account/password", "/language", "/account/second-factor-off")
"""After these the browser is out, or sees other pages."""


@pytest.fixture(scope="module")
def house(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = tmp_path_factory.mktemp("house")
    file = home / "station.sqlite"
    file.write_bytes(migrated_sqlite.read_bytes())
    database = Database(f"sqlite:///{file}")
    yield build(database, home)
    database.close()


def every_form(house: House, browser: Browser) -> list[SentForm]:
    found = [form for page in (*PAGES, *things(house)) for form in forms_on(browser, page)]
    return [form for form in {(form.action, tuple(form.fields)): form for form in found}.values() if form.typed]


def send(browser: Browser, form: SentForm, text: str):  # type: ignore[no-untyped-def]
    fields = {**form.fields, **dict.fromkeys(form.typed, text)}
    kind = "multipart/form-data" if form.multipart else "application/x-www-form-urlencoded"
    headers = {**PAGE, "Referer": f"http://localhost{form.page}"}
    return browser.client.post(form.action, data=fields, headers=headers, content_type=kind)


def runs(page: str) -> list[str]:
    """What a browser would run of a page that is not a file of ours."""
    tree = html.fromstring(page)
    scripts = [html.tostring(one, encoding="unicode") for one in tree.iterfind(".//script") if not one.get("src")]
    scripts = [one for one in scripts if 'type="application/json"' not in one]
    return scripts + [name for one in tree.iter() for name in one.attrib if str(name).lower().startswith("on")]


@pytest.mark.timeout(400)
def test_no_form_of_any_page_breaks_or_runs_what_is_typed_into_it(house: House) -> None:
    browser = house.signed_in(WHO)
    pages = things(house)
    for what in KINDS if PROOF else KINDS[:1]:
        for form in every_form(house, browser):
            if form.action in LEAVES:
                continue
            answer = send(browser, form, HOSTILE[what])
            assert answer.status_code < 500, (what, form, answer.text[-300:])
            if answer.mimetype == "text/html" and answer.data:
                assert runs(answer.text) == [], (what, form)
    for page in (*PAGES, *pages):
        shown = browser.get(page)
        assert (shown.status_code, runs(shown.text)) in ((200, []), (404, []), (409, [])), page


def test_what_was_typed_outlives_the_login_in_every_form(house: House) -> None:
    browser = house.signed_in(WHO)
    lost = []
    for number, form in enumerate(every_form(house, browser)):
        if form.action in LEAVES or set(form.typed) <= {"username", "password", "code"}:
            continue
        text = f"Chữ số {number} đang gõ dở"
        end_logins(house)
        answer = send(browser, form, text)
        assert answer.status_code == 401, (form, answer.status_code)
        sealed = html.fromstring(answer.text).xpath("//input[@name='kept']/@value")
        assert sealed, form
        browser = house.signed_in(WHO)
        with house.database.session() as session:
            login = session.query(WebSession).filter_by(ended_at=None).one()
            fields = {**form.fields, **dict.fromkeys(form.typed, text)}
            sessions.keep_form(login, urlsplit(form.page).path, {name: [value] for name, value in fields.items()})
        shown = html.fromstring(browser.get(form.page).text)
        if text not in shown.text_content() and text not in shown.xpath("//input/@value"):
            lost.append((form.page, form.action, form.typed))
    assert lost == [], "\n".join(map(str, lost))


def end_logins(house: House) -> None:
    with house.database.session() as session:
        for login in session.query(WebSession).filter_by(ended_at=None):
            login.ended_at = now()
