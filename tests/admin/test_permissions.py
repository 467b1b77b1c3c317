"""Rights of every role on every route: in its own unit, one below, and another."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from admin.access.permissions import RouteWithoutRule, check_declarations, rule_of
from haichieu.account_rights import MAY
from haichieu.database import Database
from haichieu.people import Role
from tests.admin.browsing import PROOF
from tests.admin.route_rights import (
    ABOUT_ONESELF,
    ELSEWHERE,
    EVERYWHERE,
    IMPORTS,
    IN_UNITS,
    LISTS,
    NEW,
    OPEN_TO_ALL,
    Try,
)
from tests.builders.house import Browser, House, build
from tests.builders.in_unit import broadcast, case, official, speaker, zone
from tests.postgres import PostgresCluster


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
        return browser.client.post(path, data={"csrf_token": token, **body})  # a refusal is no page, which costs more


@pytest.fixture(scope="module")
def visitors(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitors]:
    """Objects of one station; every trial creates its own."""
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
    tried = {(one.method, one.rule) for one in IN_UNITS} | EVERYWHERE.keys() | ELSEWHERE | IMPORTS
    missing = []
    for rule in app.url_map.iter_rules():
        said = rule_of(app, rule.endpoint)
        assert said is not None
        if said.steps is not None:  # one rule serves both methods of a step
            steps = [rule.rule.replace("<step>", step) for step, one in said.steps.items() if one.action]
            missing += [one for one in steps if not {("GET", one), ("POST", one)} & tried]
            continue
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


def test_forms_of_new_entries_open_by_role(visitors: Visitors) -> None:
    for path, action in NEW.items():
        for role in Role:
            assert refused(visitors.attempt(f"{role}@x.example", "GET", path, {})) is not (action in MAY[role]), path


def test_unknown_steps_and_acts_on_no_entry_are_not_found(visitors: Visitors) -> None:
    for path in ("/zones/0/silence", "/speakers/0/retire", "/officials/0/pin", "/accounts/0/password", "/zones/1/gone"):
        for method in ("GET", "POST"):
            assert visitors.attempt("admin@district.example", method, path, {}).status_code == 404, path


def test_act_without_a_page_leads_to_the_page_with_its_form(visitors: Visitors) -> None:
    house = visitors.house
    pages = {
        f"/officials/{official(house, 'commune')}": "/edit",
        f"/zones/{zone(house, 'commune')}": "/edit",
        f"/speakers/{speaker(house, 'commune')}": "",
    }
    for path, there in pages.items():
        answer = visitors.attempt("admin@x.example", "GET", f"{path}/retire", {})
        assert (answer.status_code, answer.location) == (303, path + there)


@pytest.mark.parametrize("one", IN_UNITS, ids=lambda one: f"{one.name} {one.action}")
def test_a_role_may_what_the_table_says_in_its_unit_and_below(visitors: Visitors, one: Try) -> None:
    """One role with the right and one without it; `make proof` tries all roles. Lists are always tried with all."""
    first = next(role for role in Role if one.action in MAY[role])
    refused_first = next((role for role in Role if one.action not in MAY[role]), first)
    for role in Role if PROOF else {first, refused_first}:
        try_in_units(visitors, one, role, every=PROOF or role == first)  # units are looked up alike for every role


@pytest.mark.proof
def test_unit_rights_apply_on_postgresql_too(visitors_on_postgresql: Visitors) -> None:
    """What a role may is asked in Python and was tried above; in which units is asked in SQL."""
    for one in IN_UNITS:
        first = next(role for role in Role if one.action in MAY[role])
        try_in_units(visitors_on_postgresql, one, first, every=True)


def try_in_units(visitors: Visitors, one: Try, role: Role, *, every: bool) -> None:
    """Try every unit for a role with the right, else the role's own unit, where nothing but the role can refuse it."""
    house = visitors.house
    units = (("commune", True), ("village", True), ("other", False), ("district", False))
    for unit, inside in units if every and one.action in MAY[role] else units[:1]:
        path, body = one.reach(house, unit)
        answer = visitors.attempt(f"{role}@x.example", one.method, path, body)
        allowed = one.action in MAY[role] and (inside or (unit == "district" and one.seen_from_below))
        assert refused(answer) is not allowed, (one.name, role, unit, answer.status_code, answer.text[:300])


def test_station_wide_routes_are_for_accounts_above_every_unit(visitors: Visitors) -> None:
    for (method, rule), action in EVERYWHERE.items():
        path = rule.replace("<language>", "vi").replace("<key>", "goodbye")
        path = path.replace("<name>", "phones").replace("<int:number>", "0")
        for role in Role:
            assert refused(visitors.attempt(f"{role}@x.example", method, path, {}))
            above = visitors.attempt(f"{role}@district.example", method, path, {})
            assert refused(above) is not (action in MAY[role]), (role, path)


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
