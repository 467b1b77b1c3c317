"""Shared parts of all pages: texts in both languages, static files, headers, error pages."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from admin.access.permissions import for_anyone_signed_in
from admin.accounts.views import AccountPages
from admin.broadcasts.broadcast_steps import TITLE
from admin.broadcasts.log_views import BROADCAST_COLUMNS, DELIVERY_COLUMNS
from admin.calendar.drafts import REPEATS
from admin.cases.answer_templates import BUILT_IN
from admin.cases.filters import Tab
from admin.duties.duty_fields import FIELDS_OF_NEW
from admin.layout.assets import FOLDER, Assets
from admin.layout.navigation import BUTTONS, MAP, Group, Page
from admin.layout.pages import Form
from admin.layout.refusals import refusal_message
from admin.notices.models import NoticeKind
from admin.numbers.views import NumberPages
from admin.officials.views import SIP_PHONES, OfficialPages
from admin.panel import Panel
from admin.programmes.scope import LANGUAGES as LANGUAGES_SPOKEN
from admin.repairs.views import COLUMNS as REPAIR_COLUMNS
from admin.reports.registers import FORMAL, INFORMAL, REQUESTS, Register
from admin.set_up.progress import Step
from admin.speakers.queries import Standing
from admin.speakers.views import SpeakerPages
from admin.station.fields import FORMS
from admin.station_book.yearly_report import PLAN
from admin.web import HEADERS
from admin.zones.views import ZonePages
from broadcast_bridge.broadcasts.states import BROADCAST, DELIVERY, Kind, Priority
from broadcast_bridge.broadcasts.villages import VillageState
from broadcast_bridge.duties.states import DutyState
from broadcast_bridge.programmes.states import PROGRAMME, Origin
from broadcast_bridge.repairs.states import REPAIR, Fault, Outcome
from broadcast_bridge.repairs.states import Origin as RepairOrigin
from broadcast_bridge.schedule.states import OCCURRENCE, Days, What
from broadcast_bridge.source_system.dialects import DIALECTS
from broadcast_bridge.source_system.states import BULLETIN, DeviceAction, First
from feedback.cases.case_order import Order
from feedback.states import (
    CASE,
    DATA_REQUEST,
    REPLY,
    CaseEvent,
    Channel,
    ConsentForm,
    DataRight,
    Direction,
    Published,
    Purpose,
    Way,
)
from haichieu.district.unit_rules import RULES
from haichieu.locale import LANGUAGES, render, render_key
from haichieu.locale.catalogue import catalogue
from haichieu.people import Level, Right, Role
from haichieu.sip.direct_invite import DirectAnswer
from haichieu.state_machine import IllegalTransition
from haichieu.station_status import COMPONENTS, FAN_OUT
from haichieu.units.models import ChangeKind
from haichieu.units.references import Given
from ivr.calls.number_routes import Days as RouteDays
from ivr.calls.trial_calls import TrialState
from ivr.custom_flows.editor import exits_of, fields_of
from ivr.custom_flows.sketch import VERBS
from ivr.flows.definition import delivered_flow, delivered_flows
from ivr.flows.interpreter import FlowEnd
from ivr.prompts.calls import CallState
from ivr.prompts.custom import Origin as PromptOrigin
from ivr.prompts.prompt_texts import PromptTexts
from ivr.prompts.store import Voice
from tests.builders.house import House

ADMIN = FOLDER.parent
SOURCES = [*ADMIN.rglob("*.html"), *ADMIN.rglob("*.py")]
STEPS = [
    *CaseEvent, "opened", "category", "unit", "assigned", "transcript_corrected", "transcribe_again", "merged",
    "took_in", "unmerged", "not_duplicate", "answer_heard", "answer_not_heard", "answer_left", "answer_retried",
    "answer_taken_back", "answer_on_air", "answer_not_on_air", "text_in_doubt", "overdue", "reminded",
    "consented", "consent_withdrawn", *(f"asked_{kind}" for kind in DataRight), "erased", "made_formal",
    "made_informal", "forwarded", "result_published", "held", "hold_ended",
]  # fmt: skip
PROMPTS = PromptTexts.delivered()
KINDS = ("cases", "speakers", "officials", "programmes", "numbers", "units", "devices")
FIELDS = [one for _, fields in FORMS.values() for one in fields]
PANEL = cast(Panel, None)
ENTRIES = (SpeakerPages(PANEL), ZonePages(PANEL), OfficialPages(PANEL), AccountPages(PANEL), NumberPages(PANEL))
OF_ENTRIES = [field for pages in ENTRIES for field in (*pages.fields(None, Form()), SIP_PHONES)]
OF_ENTRIES += [*FIELDS, *FIELDS_OF_NEW, TITLE]
REPORTS = ("broadcasts", "reach", "availability", "cases", "satisfaction", "survey", "duties")
OF_BOOK = ("stations", "inspections", "repairs", "plans", "training", "budget")


def report_heads() -> list[str]:
    """The columns of reports, and the words that their sections build names of."""
    source = " ".join(path.read_text() for path in sorted((ADMIN / "reports").glob("*.py")))
    named = re.findall(r'"([a-z_]+)"', " ".join(re.findall(r"(?:_heads|columns = |_COLUMNS = )\(?([^)]*)\)", source)))
    groups = ("unit", "category", "commune", "channel")
    return [*named, *(f"{by}{of}" for by in ("", "by_") for of in groups)]


def nav_texts(entries: Sequence[Page | Group]) -> list[str]:
    """The texts of the navigation, and the headings of its pages."""
    found = list(BUTTONS)
    for one in entries:
        found += [one.text, *nav_texts(one.pages)] if isinstance(one, Group) else [one.text or one.endpoint]
    return found


BUILT = {
    "role": list(Role), "broadcast_state": BROADCAST.states, "priority": list(Priority), "case_state": CASE.states,
    "my_account": [f"notice_{kind}" for kind in NoticeKind],
    "nav": nav_texts(MAP), "search": [f"{see}{kind}" for see in ("", "see_") for kind in KINDS],
    "bulletin_state": BULLETIN.states, "repair_state": REPAIR.states, "fault": list(Fault),
    "repair_outcome": [one for one in Outcome if one], "repair_origin": list(RepairOrigin),
    "repair_column": REPAIR_COLUMNS, "repairs": [f"done_{one}" for one in ("open", "save", "close", "reopen")],
    "duty_state": list(DutyState), "duties": [f"done_{one}" for one in ("plan", "change", "cancel")],
    "bulletins": [
        *(f"done_{one}" for one in ("accept", "cancel", "decline", "first_source", "first_commune")),
        *(f"order_{one}" for one in First if one), "scheduled", "scheduled_again",
    ],
    "channel": list(Channel), "direction": list(Direction), "way": list(Way), "reply_state": REPLY.states,
    "not_now": ["case", "programme", "broadcast", "occurrence", "reply"],
    "case": ["citizen", "system", "retry_text", "retry_call"], "case_step": STEPS,
    "cases": [*(f"tab_{tab}" for tab in Tab), *(f"sort_{order}" for order in Order),
              *(f"none_{tab}" for tab in Tab if tab is not Tab.ALL)],
    "answer_title": BUILT_IN.values(), "answer_template": BUILT_IN.values(),
    "speaker_state": list(Standing), "delivery_state": DELIVERY.states, "right": list(Right), "level": list(Level),
    "broadcast_kind": list(Kind), "origin": list(Origin), "programme_state": PROGRAMME.states,
    "programmes": ["done_submit", "done_approve", "done_return", "done_withdraw", "sound"],
    "programme_act": ["add", "edit", "submit", "approve", "return", "withdraw"],
    "occurrence_state": OCCURRENCE.states, "days": list(Days), "what": list(What), "repeat": REPEATS,
    "weekday": list(range(7)), "spoken": LANGUAGES_SPOKEN, "calendar": ["week", "month", "list", "moved"],
    "part_down": [*COMPONENTS, FAN_OUT],
    "log": [*BROADCAST_COLUMNS, *DELIVERY_COLUMNS, "synthetic_all", "synthetic_part"],
    "reports": [f"{about}{part}" for about in REPORTS for part in ("", "_explained", "_none", "_question")]
    + [*report_heads(), *(f"register_{one}" for one in Register),
                "book", *(f"book_{about}{part}" for about in OF_BOOK for part in ("", "_none"))],
    "units": [*(f"{about}_{kind}" for about in ("do", "heading", "hint") for kind in ChangeKind), "do_voice",
              *(f"gifts_{one.what}" for one in RULES.references if one.given is not Given.NEVER)],
    "data_right": list(DataRight), "request_state": DATA_REQUEST.states, "consent_form": list(ConsentForm),
    **{key: list(Purpose) for key in ("purpose", "track.consent", "track.withdraw")},
    "track.published_by": list(Published), "track": ["ask_access", "ask_objection", "ask_erasure"],
    "register": ["no", *FORMAL, *INFORMAL, *REQUESTS,
                 *(f"{part}_{one}" for one in Register for part in ("explained", "none"))],
    "book": [
        f"hint_{about}"
        for about in ("allocated", "money", "phone", "serial", "code", "course", "device", "imei", "speaker", "station")
    ],
    "route_days": list(RouteDays), "voice": list(Voice), "prompt_origin": list(PromptOrigin),
    "prompt_call": list(CallState),
    "numbers": [f"plan_{days}" for days in (RouteDays.WORKING, RouteDays.OFF)],
    **{people: ["new", "edit", "words", "none_found"] for people in ("officials", "accounts")},
    "zones": ["new", "edit"], "speakers": ["new", "edit", "added", "password_kept", "sort_sip", "sort_multicast"],
    **{about: ["title", "once", "done"] for about in ("recovery", "token", "password")},
    "flow_verb": list(VERBS), "flow_trial": ["answered", "station_hung_up", "recorded", "tone", "played", "silent"],
    "flow_step": {node.id for flow in delivered_flows() for node in delivered_flow(flow).nodes},
    "flow_exit": {one for verb in VERBS for exits in exits_of(verb) for one in exits if len(one) > 1},
    "flow_field": {field.name for verb in VERBS for field in fields_of(verb)}, "flow_end": list(FlowEnd),
    "device_action": list(DeviceAction), "direct_call": list(DirectAnswer), "village_state": list(VillageState),
    "proof": [f"{what}_{how}" for what in ("villages", "places") for how in ("heard", "all", "now")],
    "set_up": list(Step), "trial_call": list(TrialState), "station_dialect": list(DIALECTS), "book_plan": PLAN,
    **{f"station_{text}": FORMS.keys() - {"station"} for text in ("kind", "what", "none", "new", "edit", "remove")},
    "sheet": ["title_speakers", "title_officials", "title_accounts"],
    "sample": {name for key in PROMPTS.keys("vi") for name in PROMPTS.variables(key)},
    "error": [f"title_{status}" for status in (400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503)],
}  # fmt: skip


def used() -> set[str]:
    """The names of every text that a page asks for, or that an error of the panel carries."""
    found = {f"{group}.{name}" for group, names in BUILT.items() for name in names}
    found |= {text for one in OF_ENTRIES for text in (one.title, one.help, one.empty) if text}
    found |= {f"{one.texts}.{choice}" for one in OF_ENTRIES if one.texts for choice in one.choices}
    for source in SOURCES:
        text = source.read_text()
        found |= set(re.findall(r'"([a-z_]+\.[a-z_0-9]+)"', " ".join(re.findall(r"\bAct\(.*", text))))
        found |= set(re.findall(r"""\b(?:t|say)\(["']([a-z_]+\.[a-z_0-9]*[a-z0-9])["']""", text))
        found |= set(re.findall(r'"panel\.([a-z_.0-9]+)"', text))
    return found


def test_catalogue_has_exactly_the_texts_of_the_pages() -> None:
    assert used() == {key.removeprefix("panel.") for key in catalogue("vi").keys if key.startswith("panel.")}


def test_templates_contain_no_text_of_their_own() -> None:
    """Visible text in a template comes from the catalogue: what is left when tags and tags of Jinja are gone."""
    for template in ADMIN.rglob("*.html"):
        jinja = r"\{#.*?#\}|\{% call .*?endcall %\}|\{%.*?%\}|\{\{.*?\}\}"
        page = re.sub(jinja, " ", template.read_text(), flags=re.DOTALL)
        text = re.sub(r"<!--.*?-->|<[^>]*>", " ", page, flags=re.DOTALL)
        words = set(re.findall(r"[^\W\d_]{3,}", text))
        assert words <= {"Hai", "Chiều"}, template.name


def test_no_template_contains_a_script_or_a_style() -> None:
    for template in ADMIN.rglob("*.html"):
        text = template.read_text()
        assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|hx-vals=.js", text) == [], template.name
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)), template.name
        assert "|safe" not in text.replace(" ", ""), template.name


def test_illegal_transition_names_its_state_in_words() -> None:
    for machine in (CASE, PROGRAMME, BROADCAST, OCCURRENCE, REPLY):
        for state in machine.states:
            said = render(refusal_message(IllegalTransition(machine.name, state, CaseEvent.CLOSE)), "vi")
            assert render_key("vi", f"panel.{machine.name}_state.{state}", {}) in said


def test_scripts_show_messages_of_the_server_whole() -> None:
    for script in (FOLDER / "panel").glob("*.js"):
        assert '" / "' not in script.read_text(), script.name


def test_each_class_has_one_rule_for_its_layout() -> None:
    styles = (FOLDER / "panel/panel.css").read_text()
    selectors = [part.strip() for rule in re.findall(r"^([^@{}\n]+)\{", styles, re.M) for part in rule.split(",")]
    assert selectors.count(".lines") == 1


def test_what_was_brought_from_elsewhere_is_what_it_was() -> None:
    manifest = dict(
        reversed(line.split("  ")) for line in (FOLDER / "vendor/SHA256SUMS").read_text().splitlines()
    )  # fmt: skip
    vendored = {
        file.relative_to(FOLDER / "vendor").as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in (FOLDER / "vendor").rglob("*")
        if file.is_file() and file.name not in ("SHA256SUMS", "README.md")
    }
    assert vendored == manifest


def test_static_files_are_compressed_and_cached_by_content_hash(house: House) -> None:
    client = house.app.test_client()
    path = Assets().path("vendor/tabler/tabler.min.css")
    small = client.get(path, headers={"Accept-Encoding": "gzip"})
    whole = client.get(path)
    assert small.headers["Content-Encoding"] == "gzip"
    assert len(small.data) * 5 < len(whole.data)
    assert "immutable" in whole.headers["Cache-Control"]
    assert whole.content_type == "text/css; charset=utf-8"
    digest = path.split("/")[2]
    assert client.get(path.replace(digest, "0" * 16)).status_code == 404
    for trick in ("../web.py", "%2e%2e/web.py", "vendor/../../web.py"):
        assert client.get(f"/static/{digest}/{trick}").status_code == 404


def test_pages_are_not_kept_and_may_do_nothing_but_what_is_ours(house: House) -> None:
    page = house.signed_in("admin@x.example").get("/")
    assert page.headers["Cache-Control"] == "no-store"
    assert {name: page.headers[name] for name in HEADERS} == HEADERS
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:")


@pytest.mark.parametrize("language", LANGUAGES)
def test_errors_are_pages_in_the_language_of_the_reader(house: House, language: str) -> None:
    browser = house.signed_in("viewer@x.example")
    browser.post("/language", page="/account", language=language)
    missing = browser.get("/khong-co")
    assert (missing.status_code, render_key(language, "panel.error.title_404", {}) in missing.text) == (404, True)
    forbidden = browser.get("/accounts")
    assert (forbidden.status_code, render_key(language, "panel.error.title_403", {}) in forbidden.text) == (403, True)
    assert f'<html lang="{language}">' in forbidden.text
    assert browser.get("/logout").status_code == 405
    api = house.app.test_client().get("/api/v1/khong-co", headers={"Accept": "text/html"})
    assert (api.status_code, api.content_type) == (404, "application/problem+json")


def test_an_internal_error_shows_a_reference_and_nothing_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(house.app.view_functions, "audit_trail", _broken)
    answer = house.signed_in("admin@district.example").get("/audit")
    assert answer.status_code == 500
    assert "mật" not in answer.text
    assert re.search(r"mã [0-9a-f]{8}", answer.text)


@for_anyone_signed_in
def _broken() -> str:
    raise RuntimeError("bí mật / a secret")


def test_the_choice_of_a_language_stays_with_the_account(house: House) -> None:
    browser = house.signed_in("viewer@x.example")
    answer = browser.post("/language", page="/account", language="en", next="//evil.example")
    assert answer.headers["Location"] == "/"
    assert "My account" in house.signed_in("viewer@x.example").get("/account").text
    browser.post("/language", page="/account", language="<script>")
    assert "My account" in browser.get("/account").text


def test_every_page_names_its_files_by_content(house: House) -> None:
    page = house.browser().get("/login").text
    found = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(found) >= 3
    client = house.app.test_client()
    assert {client.get(path).status_code for path in found} == {200}


def test_the_folder_of_vendored_files_says_how_they_came() -> None:
    text = (FOLDER / "vendor/README.md").read_text()
    for folder in (path for path in (FOLDER / "vendor").iterdir() if path.is_dir()):
        assert folder.name in text
    assert Path(FOLDER / "vendor/SHA256SUMS").exists()
