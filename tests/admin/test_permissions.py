"""Who may use which route: every role, every route, in one's own unit, one below, and another."""

import datetime
import itertools
import shutil
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from admin.access.permissions import RouteWithoutRule, check_declarations, rule_of
from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.planning import Request, ask
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.models import Schedule
from feedback import replies
from feedback.cases import Opening, Said, find_case, open_case
from feedback.citizens import open_citizens
from feedback.models import Attachment, Message
from feedback.states import Channel, Direction, ReplyEvent, Way
from haichieu.account_rights import MAY, Action
from haichieu.alarms import Alarm
from haichieu.database import Database, now
from haichieu.media import Media
from haichieu.people import Account, Official, Role, Unit
from ivr.flow import delivered_definition
from ivr.own_flows.drafts import find_draft, mark_of, save
from ivr.routing import Number
from tests.admin.house import PAGE, Browser, House, build
from tests.admin.test_programmes_pages import a_programme
from tests.postgres import PostgresCluster

SOON = datetime.timedelta(hours=1)
PAST = "2001-01-01T00:00:00Z"
"""Refused as an hour, after the rights were asked about and before any sound is made."""
ZONES = {"district": "11", "commune": "12", "village": "13", "other": "14"}
OPEN_TO_ALL = {
    "/healthz", "/metrics", "/static/<digest>/<path:name>", "/language", "/login", "/login/code",
    "/api/v1/openapi.json",
}  # fmt: skip
ABOUT_ONESELF = {
    "/logout", "/now/events", "/account", "/account/password", "/account/second-factor", "/account/second-factor/off",
    "/account/logins/<int:number>/end", "/account/tokens", "/account/tokens/<int:number>/revoke",
}  # fmt: skip
LISTS = {
    "/",
    "/now/board",
    "/emergency",
    "/accounts",
    "/api/v1/speakers",
    "/api/v1/broadcasts",
    "/api/v1/cases",
    "/cases",
    "/cases/export",
}
LISTS |= {"/api/v1/schedules", "/api/v1/reports/broadcasts"}
LISTS |= {f"/api/v1/reports/{about}" for about in ("availability", "cases", "survey")}
LISTS |= {"/reports", "/reports.xlsx", "/broadcasts", "/broadcasts.csv"}
LISTS |= {"/programmes", "/programmes/new", "/calendar", "/calendar/schedules", "/calendar/schedules.ics"}
LISTS |= {"/calendar/schedules/new", "/calendar/silence", "/calendar/import"}
ELSEWHERE = {
    ("POST", "/programmes/new"), ("POST", "/programmes/preview"), ("POST", "/programmes/uploads"),
    ("GET", "/programmes/<int:number>/sound"), ("POST", "/calendar/schedules/new"), ("POST", "/calendar/import"),
    ("POST", "/calendar/silence"),
}  # fmt: skip
"""Tried in test_programmes_pages.py and test_calendar_pages.py, with the bodies that they need."""
FRESH = itertools.count(1)


@dataclass(frozen=True)
class Try:
    """A route with what it is about in a unit: `reach(house, unit)` gives path and body."""

    rule: str
    method: str
    action: Action
    reach: Callable[[House, str], tuple[str, dict[str, object]]]
    seen_from_below: bool = False
    """What is heard in the whole district is heard, and seen, in its communes too."""

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule}"


def broadcast(house: House, unit: str) -> int:
    with house.database.session() as session:
        wish = Request("test", "Bản tin", [], zone_codes=[ZONES[unit]], due_at=now() + SOON)
        return ask(session, wish, now()).id


def case(house: House, unit: str) -> str:
    with house.database.session() as session:
        first = Said(Direction.IN, Channel.TEXT, "citizen", "Cầu hỏng")
        return open_case(session, Opening(Channel.TEXT, house.units[unit], "number"), first, now()).number


def first_message(house: House) -> int:
    with house.database.session() as session:
        return session.query(Message.id).order_by(Message.id.desc()).limit(1).scalar() or 0


def failed_reply(house: House, unit: str) -> tuple[str, dict[str, object]]:
    """The path that has a failed call of a case tried again, and its form."""
    number = case(house, unit)
    with house.database.session() as session:
        found = find_case(session, number)
        found.citizen = open_citizens(house.home).meet(session, "+84912345678", now())
        [reply] = replies.answer(session, found, replies.Answer("test", [Way.CALL], "Đã sửa"), now()).replies
        replies.changes(session, reply, ReplyEvent.FAIL, now())
        return f"/cases/{number}/retry", {"reply": str(reply.id)}


def case_file(house: House, unit: str) -> str:
    number = case(house, unit)
    with house.database.session() as session:
        kept = kept_sound(session, house, f"file-{number}")
        attachment = Attachment(message_id=0, media_id=kept.id, name="anh.png", content_type="image/png")
        attachment.message_id = find_case(session, number).messages[0].id
        session.add(attachment)
        session.flush()
        return f"/cases/{number}/files/{attachment.id}"


def kept_sound(session: Session, house: House, content: str) -> Media:
    """A sound in the store of the house's web process, different for every `content`."""
    store = house.store
    store.folder.mkdir(parents=True, exist_ok=True)
    file = store.folder / "made.wav"
    with wave.open(str(file), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(content.encode() * 2)
    return store.keep(session, file)


def programme_sound(house: House, unit: str) -> int:
    with house.database.session() as session:
        kept = kept_sound(session, house, f"programme-{unit}")
        session.add(
            Programme(
                title="Bản tin", origin="upload", unit_id=house.units[unit], author="test", author_name="test",
                sound_id=kept.id, created_at=now(), updated_at=now(),
            )
        )  # fmt: skip
        return kept.id


def spoken_sound(house: House, unit: str) -> int:
    with house.database.session() as session:
        kept = kept_sound(session, house, f"spoken-{unit}")
        said = Said(Direction.IN, Channel.CALL, "citizen", sound=kept)
        open_case(session, Opening(Channel.CALL, house.units[unit], "number"), said, now())
        return kept.id


def account(house: House, unit: str) -> int:
    with house.database.session() as session:
        made = Account(
            email=f"a{next(FRESH)}@y.example", name="A", password_hash="x", role="viewer", unit_id=house.units[unit]
        )
        session.add(made)
        session.flush()
        return made.id


def alarm(house: House) -> int:
    with house.database.session() as session:
        made = Alarm(kind="asterisk_down", subject="Asterisk", text="Dừng / down")
        session.add(made)
        session.flush()
        return made.id


def programme(house: House, unit: str) -> int:
    return a_programme(house, unit)


def schedule(house: House, unit: str) -> int:
    with house.database.session() as session:
        made = Schedule(
            uid=f"{now().timestamp()}", title="Bản tin", unit_id=house.units[unit], what="programme",
            programme_id=programme_in(session, house.units[unit]), starts=datetime.datetime(2026, 1, 1, 5, 30),
            timezone="Asia/Ho_Chi_Minh", rrule="FREQ=DAILY", author="test", created_at=now(), updated_at=now(),
            zones=[session.query(Zone).filter_by(code=ZONES[unit]).one()], enabled=False,
        )  # fmt: skip
        session.add(made)
        session.flush()
        return made.id


def programme_in(session: Session, unit_id: int) -> int:
    made = Programme(
        title="Bản tin", origin="text", unit_id=unit_id, author="test", author_name="T", created_at=now(),
        updated_at=now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


IN_UNITS = [
    Try("/broadcasts/<int:number>/stop", "GET", Action.AIR, lambda h, u: (f"/broadcasts/{broadcast(h, u)}/stop", {})),
    Try("/broadcasts/<int:number>/stop", "POST", Action.AIR, lambda h, u: (f"/broadcasts/{broadcast(h, u)}/stop", {})),
    Try(
        "/emergency",
        "POST",
        Action.EMERGENCY,
        lambda h, u: ("/emergency", {"zone": ZONES[u], "text": "Lũ", "times": "1"}),
    ),
    Try(
        "/accounts/<int:number>/end-logins",
        "POST",
        Action.MANAGE_ACCOUNTS,
        lambda h, u: (f"/accounts/{account(h, u)}/end-logins", {}),
    ),
    Try(
        "/accounts/<int:number>/second-factor/off",
        "POST",
        Action.MANAGE_ACCOUNTS,
        lambda h, u: (f"/accounts/{account(h, u)}/second-factor/off", {}),
    ),
    Try(
        "/api/v1/broadcasts/<int:number>",
        "GET",
        Action.VIEW,
        lambda h, u: (f"/api/v1/broadcasts/{broadcast(h, u)}", {}),
        seen_from_below=True,
    ),
    Try(
        "/api/v1/broadcasts/<int:number>/stop",
        "POST",
        Action.AIR,
        lambda h, u: (f"/api/v1/broadcasts/{broadcast(h, u)}/stop", {}),
    ),
    Try(
        "/api/v1/broadcasts",
        "POST",
        Action.ANNOUNCE,
        lambda h, u: ("/api/v1/broadcasts", {"zones": [ZONES[u]], "text": "Thử loa", "at": PAST}),
    ),
    Try(
        "/api/v1/broadcasts",
        "POST",
        Action.EMERGENCY,
        lambda h, u: ("/api/v1/broadcasts", {"zones": [ZONES[u]], "text": "Lũ", "priority": "emergency", "at": PAST}),
    ),
    Try("/api/v1/cases/<number>", "GET", Action.READ_CASES, lambda h, u: (f"/api/v1/cases/{case(h, u)}", {})),
    Try(
        "/api/v1/cases/<number>/answers",
        "POST",
        Action.WORK_ON_CASES,
        lambda h, u: (f"/api/v1/cases/{case(h, u)}/answers", {"text": "Đã sửa", "by": ["air"]}),
    ),
]


def speaker(house: House, unit: str) -> int:
    with house.database.session() as session:
        made = Speaker(code=f"moi-{next(FRESH)}", name="Loa", unit_id=house.units[unit], reachable=True)
        session.add(made)
        session.flush()
        return made.id


def zone(house: House, unit: str) -> int:
    with house.database.session() as session:
        made = Zone(code=f"6{next(FRESH):04}", name="Khu", units=[session.get_one(Unit, house.units[unit])])
        session.add(made)
        session.flush()
        return made.id


def official(house: House, unit: str) -> int:
    with house.database.session() as session:
        made = Official(code=f"9{next(FRESH):04}", name="B", pin_hash="x", unit_id=house.units[unit])
        session.add(made)
        session.flush()
        return made.id


CONFIGURE, MANAGE = Action.CONFIGURE, Action.MANAGE_ACCOUNTS
IN_UNITS += [
    Try(
        f"/speakers/<int:number>{rest}",
        method,
        action,
        lambda h, u, rest=rest: (f"/speakers/{speaker(h, u)}{rest}", {}),
    )
    for method, rest, action in (
        ("GET", "", Action.VIEW),
        ("GET", "/played", Action.VIEW),
        ("GET", "/edit", CONFIGURE),
        ("POST", "/edit", CONFIGURE),
        ("POST", "/volume", CONFIGURE),
        ("POST", "/tone", Action.AIR),
        ("POST", "/account", CONFIGURE),
        ("POST", "/retire", CONFIGURE),
    )
]
IN_UNITS += [
    Try(f"/zones/<int:number>{rest}", method, action, lambda h, u, rest=rest: (f"/zones/{zone(h, u)}{rest}", {}))
    for method, rest, action in (
        ("GET", "/edit", CONFIGURE), ("POST", "/edit", CONFIGURE), ("POST", "/retire", CONFIGURE),
        ("POST", "/silence", Action.AIR),
    )
]  # fmt: skip
IN_UNITS += [
    Try(
        f"/officials/<int:number>{rest}",
        method,
        CONFIGURE,
        lambda h, u, rest=rest: (f"/officials/{official(h, u)}{rest}", {}),
    )
    for method, rest in (
        ("GET", "/edit"),
        ("POST", "/edit"),
        ("POST", "/pin"),
        ("POST", "/pin/call"),
        ("POST", "/retire"),
    )
]
IN_UNITS += [
    Try(
        f"/accounts/<int:number>{rest}",
        method,
        MANAGE,
        lambda h, u, rest=rest: (f"/accounts/{account(h, u)}{rest}", {}),
    )
    for method, rest in (("GET", "/edit"), ("POST", "/edit"), ("POST", "/password"), ("POST", "/disable"))
]


def new_speaker(house: House, unit: str) -> tuple[str, dict[str, object]]:
    return "/speakers/new", {"id": f"moi-{next(FRESH)}", "name": "Loa", "unit": unit.upper()}


def new_number(house: House, unit: str) -> tuple[str, dict[str, object]]:
    return "/set-up/number", {"number": f"19{next(FRESH):04}", "flow": "hotline", "unit": unit.upper()}


def new_official(house: House, unit: str) -> tuple[str, dict[str, object]]:
    return "/officials/new", {"code": f"8{next(FRESH):04}", "name": "Cán bộ", "unit": unit.upper()}


def new_zone(house: House, unit: str) -> tuple[str, dict[str, object]]:
    return "/zones/new", {"code": f"7{next(FRESH):04}", "name": "Khu", "units": unit.upper()}


def new_account(house: House, unit: str) -> tuple[str, dict[str, object]]:
    email = f"a{next(FRESH)}@y.example"
    return "/accounts/new", {"email": email, "name": "A", "role": "viewer", "unit": unit.upper()}


IN_UNITS += [
    Try("/speakers/new", "POST", CONFIGURE, new_speaker),
    Try("/set-up/number", "POST", CONFIGURE, new_number),
    Try("/officials/new", "POST", CONFIGURE, new_official),
    Try("/zones/new", "POST", CONFIGURE, new_zone),
    Try("/accounts/new", "POST", MANAGE, new_account),
]
IMPORTS = {("POST", f"/{what}/import") for what in ("speakers", "officials", "accounts")}
LISTS |= {"/speakers", "/speakers/map", "/speakers/new", "/speakers/import", "/zones", "/zones/new", "/officials"}
LISTS |= {"/officials/new", "/officials/import", "/accounts/import", "/accounts/new", "/set-up", "/set-up/call"}
OPEN_TO_ALL |= {"/first-run/<token>"}
IN_UNITS += [
    *(
        Try(f"/cases/<number>{end}", "GET", Action.READ_CASES, lambda h, u, end=end: (f"/cases/{case(h, u)}{end}", {}))
        for end in ("", "/answer", "/notes", "/transcript")
    ),
    *(
        Try(
            f"/cases/<number>/{end}",
            "POST",
            Action.WORK_ON_CASES,
            lambda h, u, end=end: (f"/cases/{case(h, u)}/{end}", {"note": "Đã gọi", "what": "apart"}),
        )
        for end in ("answer", "answer/spoken", "answer/recording", "assign", "notes", "close", "reopen", "merge")
    ),
    *(
        Try(
            f"/cases/<number>/{end}",
            "POST",
            Action.WORK_ON_CASES,
            lambda h, u, end=end: (f"/cases/{case(h, u)}/{end}", {"message": str(first_message(h))}),
        )
        for end in ("transcript", "transcript/again")
    ),
    Try("/cases/<number>/retry", "POST", Action.WORK_ON_CASES, lambda h, u: failed_reply(h, u)),
    Try("/cases/<number>/files/<int:file>", "GET", Action.READ_CASES, lambda h, u: (case_file(h, u), {})),
    Try("/sounds/<int:number>/peaks", "GET", Action.VIEW, lambda h, u: (f"/sounds/{programme_sound(h, u)}/peaks", {})),
    Try("/sounds/<int:number>", "GET", Action.VIEW, lambda h, u: (f"/sounds/{programme_sound(h, u)}", {})),
    Try("/sounds/<int:number>", "GET", Action.READ_CASES, lambda h, u: (f"/sounds/{spoken_sound(h, u)}", {})),
]
IN_UNITS += [
    Try(
        f"/programmes/<int:number>{end}",
        method,
        action,
        lambda h, u, end=end: (f"/programmes/{programme(h, u)}{end}", {}),  # type: ignore[misc]
    )
    for method, end, action in (
        ("GET", "", Action.VIEW), ("GET", "/edit", Action.EDIT), ("POST", "/edit", Action.EDIT),
        ("POST", "/submit", Action.EDIT), ("POST", "/approve", Action.APPROVE), ("POST", "/return", Action.APPROVE),
        ("GET", "/withdraw", Action.EDIT), ("POST", "/withdraw", Action.EDIT), ("GET", "/air", Action.AIR),
        ("POST", "/air", Action.AIR),
    )
]  # fmt: skip
IN_UNITS += [
    Try(
        f"/calendar/schedules/<int:number>{end}",
        method,
        action,
        lambda h, u, end=end: (f"/calendar/schedules/{schedule(h, u)}{end}", {}),  # type: ignore[misc]
    )
    for method, end, action in (
        ("GET", "", Action.VIEW), ("GET", "/edit", Action.SCHEDULE), ("POST", "/edit", Action.SCHEDULE),
        ("GET", "/remove", Action.SCHEDULE), ("POST", "/remove", Action.SCHEDULE), ("GET", "/move", Action.SCHEDULE),
        ("POST", "/move", Action.SCHEDULE),
    )
]  # fmt: skip
IN_UNITS += [
    Try(
        f"/broadcasts/<int:number>{end}",
        method,
        action,
        lambda h, u, end=end: (f"/broadcasts/{broadcast(h, u)}{end}", {}),
        seen_from_below=action == Action.VIEW,
    )
    for method, end, action in (
        ("GET", "", Action.VIEW),
        ("GET", ".csv", Action.VIEW),
        ("GET", "/again", Action.AIR),
        ("POST", "/again", Action.AIR),
        ("GET", "/programme", Action.EDIT),
        ("POST", "/programme", Action.EDIT),
    )
]


def number(house: House, unit: str) -> int:
    with house.database.session() as session:
        made = Number(number=f"18{next(FRESH):04}", flow="hotline", unit_id=house.units[unit])
        session.add(made)
        session.flush()
        return made.id


def another_number(house: House, unit: str) -> tuple[str, dict[str, object]]:
    return "/numbers/new", new_number(house, unit)[1]


IN_UNITS += [
    Try("/numbers/new", "POST", CONFIGURE, another_number),
    *(
        Try(
            f"/numbers/<int:number>{end}",
            method,
            CONFIGURE,
            lambda h, u, end=end: (f"/numbers/{number(h, u)}{end}", {}),
        )
        for method, end in (("GET", ""), ("GET", "/edit"), ("POST", "/edit"), ("POST", "/retire"))
    ),
]
LISTS |= {"/numbers", "/numbers/new"}
PROMPT = "/prompts/<language>/<key>"
EVERYWHERE = {
    ("GET", "/audit"): Action.AUDIT,
    ("GET", "/prompts"): CONFIGURE,
    **{("GET", PROMPT + end): CONFIGURE for end in ("", "/sound", "/call")},
    **{("POST", PROMPT + end): CONFIGURE for end in ("", "/preview", "/recording", "/built-in", "/call")},
}


def flow_draft(house: House, unit: str) -> str:
    """The citizens' line, to which one number leads, in a unit; with a draft at work."""
    with house.database.session() as session:
        session.query(Number).delete()
        session.add(Number(number="1022", flow="hotline", unit_id=house.units[unit]))
        if find_draft(session, "hotline") is None:
            built_in = delivered_definition("hotline")
            save(session, "hotline", built_in, mark_of(built_in), "test", now())
    return "/flows/hotline"


IN_UNITS += [
    Try(
        f"/flows/<name>{end}",
        method,
        CONFIGURE,
        lambda h, u, end=end: (
            flow_draft(h, u) + end.replace("<step>", "main-menu").replace("<int:number>", "0"), {},
        ),  # type: ignore[misc]
    )
    for method, end in (
        *(("GET", end) for end in ("", "/draft", "/draft/json", "/draft/steps/<step>", "/publish", "/simulator")),
        *(("POST", end) for end in ("/draft", "/draft/json", "/draft/steps", "/draft/steps/<step>", "/publish")),
        *(("POST", f"/draft/steps/<step>{end}") for end in ("/remove", "/order")), ("POST", "/draft/discard"),
        ("GET", "/versions/<int:number>"), ("POST", "/versions/<int:number>"),
    )
]  # fmt: skip
LISTS |= {"/flows"}
STATION_WIDE = {("POST", "/alarms/<int:number>/clear"): Action.CLEAR_ALARMS}


class Visitors:
    """Everybody who has an account at a house, each signed in once, with a token and the token of a form."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._browsers: dict[str, tuple[Browser, str]] = {}
        self._tokens: dict[str, dict[str, str]] = {}

    def attempt(self, email: str, method: str, path: str, body: dict[str, object]) -> TestResponse:
        """Open a page, send a form, or ask the API, as the path says."""
        if path.startswith("/api/"):
            if email not in self._tokens:
                self._tokens[email] = self.house.token(email)
            kwargs = {"json": body} if method == "POST" and body else {}
            return self.house.app.test_client().open(path, method=method, headers=self._tokens[email], **kwargs)
        if email not in self._browsers:
            browser = self.house.signed_in(email)
            self._browsers[email] = browser, browser.form_token("/account")
        browser, token = self._browsers[email]
        if method == "GET":
            return browser.get(path)
        return browser.client.post(path, data={"csrf_token": token, **body}, headers=PAGE)


@pytest.fixture(scope="module")
def visitors(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitors]:
    """Those of one house, in which every trial makes what it is about anew."""
    home = tmp_path_factory.mktemp("house")
    database = Database(f"sqlite:///{shutil.copy(migrated_sqlite, home / 'station.sqlite')}")
    yield Visitors(build(database, home))
    database.close()


@pytest.fixture(scope="module")
def visitors_on_postgresql(
    postgres_cluster: PostgresCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visitors]:
    """The same on the other database."""
    with postgres_cluster.database() as url:
        database = Database(url)
        yield Visitors(build(database, tmp_path_factory.mktemp("house")))
        database.close()


def refused(answer: TestResponse) -> bool:
    return answer.status_code in (401, 403, 404)


def test_the_matrix_leaves_no_route_out(visitors: Visitors) -> None:
    """A new route must be put into one of the lists here, or this fails."""
    app = visitors.house.app
    tried = {(one.method, one.rule) for one in IN_UNITS} | EVERYWHERE.keys() | STATION_WIDE.keys() | ELSEWHERE | IMPORTS
    missing = []
    for rule in app.url_map.iter_rules():
        said = rule_of(app, rule.endpoint)
        assert said is not None
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if not said.signed_in:
                known = rule.rule in OPEN_TO_ALL
            elif said.action is None:
                known = rule.rule in ABOUT_ONESELF
            else:
                known = (method, rule.rule) in tried or (method == "GET" and rule.rule in LISTS)
            if not known:
                missing.append(f"{method} {rule.rule}")
    assert missing == []


def test_lists_open_by_role(visitors: Visitors) -> None:
    app = visitors.house.app
    for rule in app.url_map.iter_rules():
        said = rule_of(app, rule.endpoint)
        if rule.rule in LISTS and said and said.action and "GET" in (rule.methods or set()):
            for role in Role:
                answer = visitors.attempt(f"{role}@x.example", "GET", rule.rule, {})
                shown = answer.data
                assert refused(answer) is not (said.action in MAY[role]), (role, rule.rule, shown[:300])


@pytest.mark.parametrize("one", IN_UNITS, ids=lambda one: f"{one.name} {one.action}")
def test_a_role_may_what_the_table_says_in_its_unit_and_below(visitors: Visitors, one: Try) -> None:
    for role in Role:
        try_in_every_unit(visitors, one, role)


def test_the_units_hold_on_postgresql_too(visitors_on_postgresql: Visitors) -> None:
    """What a role may is asked in Python and was tried above; in which units is asked in SQL."""
    for one in IN_UNITS:
        try_in_every_unit(visitors_on_postgresql, one, next(role for role in Role if one.action in MAY[role]))


def try_in_every_unit(visitors: Visitors, one: Try, role: Role) -> None:
    """In each unit for a role that may; for one that may not, in its own unit, where nothing else stands in its way."""
    house = visitors.house
    units = (("commune", True), ("village", True), ("other", False), ("district", False))
    for unit, inside in units if one.action in MAY[role] else units[:1]:
        path, body = one.reach(house, unit)
        answer = visitors.attempt(f"{role}@x.example", one.method, path, body)
        allowed = one.action in MAY[role] and (inside or (unit == "district" and one.seen_from_below))
        assert refused(answer) is not allowed, (one.name, role, unit, answer.status_code, answer.text[:300])


def test_what_needs_every_unit_is_for_who_is_above_them_all(visitors: Visitors) -> None:
    for (method, rule), action in EVERYWHERE.items():
        path = rule.replace("<language>", "vi").replace("<key>", "goodbye")
        for role in Role:
            assert refused(visitors.attempt(f"{role}@x.example", method, path, {}))
            above = visitors.attempt(f"{role}@district.example", method, path, {})
            assert refused(above) is not (action in MAY[role]), (role, path)


def test_what_belongs_to_no_unit_goes_by_the_role_alone(visitors: Visitors) -> None:
    for role in Role:
        answer = visitors.attempt(f"{role}@x.example", "POST", f"/alarms/{alarm(visitors.house)}/clear", {})
        assert refused(answer) is not (Action.CLEAR_ALARMS in MAY[role])


def test_lists_show_ones_own_units_and_those_below(house: House) -> None:
    mine, below, others = (broadcast(house, unit) for unit in ("commune", "village", "other"))
    cases = {unit: case(house, unit) for unit in house.units}
    client, header = house.app.test_client(), house.token("operator@x.example")
    shown = client.get("/api/v1/broadcasts", headers=header).json
    assert shown is not None
    assert {one["id"] for one in shown["items"]} == {mine, below}
    assert others not in {one["id"] for one in shown["items"]}
    speakers = client.get("/api/v1/speakers", headers=header).json
    assert speakers is not None
    assert {one["id"] for one in speakers["items"]} == {"loa-commune", "loa-village"}
    listed = client.get("/api/v1/cases", headers=header).json
    assert listed is not None
    assert {one["number"] for one in listed["items"]} == {cases["commune"], cases["village"]}
    page = house.signed_in("operator@x.example").get("/").text
    assert cases["commune"][:4] in page
    assert f"{cases['other'][:4]} {cases['other'][4:]}" not in page
    assert "Loa village" in page


def test_a_district_wide_broadcast_is_seen_but_not_stopped_from_below(house: House) -> None:
    number = broadcast(house, "district")
    header = house.token("operator@x.example")
    client = house.app.test_client()
    listed = client.get("/api/v1/broadcasts", headers=header).json
    assert listed is not None
    assert [one["id"] for one in listed["items"]] == [number]
    assert client.post(f"/api/v1/broadcasts/{number}/stop", headers=header).status_code == 403


def test_nobody_without_a_login_gets_anywhere(visitors: Visitors) -> None:
    house = visitors.house
    for rule in house.app.url_map.iter_rules():
        said = rule_of(house.app, rule.endpoint)
        assert said is not None
        if not said.signed_in:
            continue
        path = rule.rule.replace("<int:number>", "1")
        path = path.replace("<number>", "12345674").replace("<token>", "x")
        path = path.replace("<number>", "12345674").replace("<int:file>", "1")
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            answer = house.app.test_client().open(path, method=method, headers={"Accept": "text/html"})
            if path.startswith("/api/"):
                assert answer.status_code == 401, path
            else:
                assert (answer.status_code, "/login" in answer.headers.get("Location", answer.text)) in (
                    (303, True), (401, True),
                ), path  # fmt: skip


def test_a_cookie_is_no_token_and_a_token_no_cookie(visitors: Visitors) -> None:
    house = visitors.house
    browser = house.signed_in("admin@x.example")
    assert browser.client.get("/api/v1/speakers").status_code == 401
    header = house.token("admin@x.example")
    assert house.app.test_client().get("/", headers={**header, "Accept": "text/html"}).status_code == 303


def test_an_application_with_a_route_that_says_nothing_does_not_start() -> None:
    app = Flask("bare", static_folder=None)
    app.add_url_rule("/secret", "secret", lambda: "")
    with pytest.raises(RouteWithoutRule, match="/secret"):
        check_declarations(app)
