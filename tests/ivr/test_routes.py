"""Routes of a number by day and time, over midnight and on holidays."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from haichieu.locale import LANGUAGES, render
from ivr.calls.number_routes import Days, Route, RoutesOverlap, day_plan, require_apart, route_at
from ivr.calls.routing import DUTY_FLOW, Number, routed_flow_at
from tests.examples import examples

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NIGHT = Route(DUTY_FLOW, Days.WORKING, "17:00-07:30")
WEEKEND = Route("news", Days.OFF, "08:00-11:00", "+84912000009")


def at(moment: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(moment).replace(tzinfo=ZONE)


def number(*routes: Route) -> Number:
    return Number(
        number="1022", flow="hotline", unit_id=1, language="", duty_phone="+842063000001", duty_hours="07:30-17:00",
        routes=[route.as_row() for route in routes],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("moment", "flow", "desk"),
    [
        ("2026-11-25T07:30", "hotline", ("+842063000001", "07:30-17:00")),  # a Wednesday
        ("2026-11-25T16:59", "hotline", ("+842063000001", "07:30-17:00")),
        ("2026-11-25T17:00", DUTY_FLOW, ("+842063000001", "")),  # the route means it: its hours are not asked
        ("2026-11-26T03:00", DUTY_FLOW, ("+842063000001", "")),
        ("2026-11-28T03:00", "hotline", ("+842063000001", "07:30-17:00")),  # Saturday by now, though Friday's night
        ("2026-11-28T08:00", "news", ("+84912000009", "")),  # a phone of the route's own
        ("2026-11-28T11:00", "hotline", ("+842063000001", "07:30-17:00")),
        ("2026-09-02T09:00", "news", ("+84912000009", "")),  # a Wednesday, and the national day
        ("2026-09-02T20:00", "hotline", ("+842063000001", "07:30-17:00")),
    ],
)
def test_a_number_leads_by_the_days_and_hours_of_its_routes(moment: str, flow: str, desk: tuple[str, str]) -> None:
    lead = routed_flow_at(number(NIGHT, WEEKEND), at(moment))
    assert (lead.flow, (lead.dialled.duty_phone, lead.dialled.duty_hours)) == (flow, desk)


def test_a_number_without_routes_leads_to_its_flow() -> None:
    lead = routed_flow_at(number(), at("2026-11-25T03:00"))
    assert (lead.flow, lead.route) == ("hotline", None)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (Route("a", hours="08:00-12:00"), Route("b", hours="12:00-13:00"), False),
        (Route("a", hours="08:00-12:01"), Route("b", hours="12:00-13:00"), True),
        (Route("a", Days.WORKING), Route("b", Days.OFF), False),
        (Route("a", Days.WORKING), Route("b", hours="03:00-03:01"), True),
        (Route("a", hours="22:00-05:00"), Route("b", hours="04:00-08:00"), True),
        (Route("a", hours="22:00-05:00"), Route("b", hours="05:00-22:00"), False),
        (Route("a", hours="22:00-05:00"), Route("b", hours="23:00-01:00"), True),
        (Route("a"), Route("b"), True),
    ],
)
def test_two_routes_at_the_same_moment_are_refused_by_name(one: Route, other: Route, overlap: bool) -> None:
    if not overlap:
        require_apart([one, other])
        return
    with pytest.raises(RoutesOverlap) as refusal:
        require_apart([one, other])
    for language in LANGUAGES:
        said = render(refusal.value.message, language)
        assert render(one.in_words(), language) in said
        assert render(other.in_words(), language) in said


HOURS = st.tuples(st.integers(0, 47), st.integers(0, 47)).map(
    lambda halves: "" if halves[0] == halves[1] else "-".join(f"{one // 2:02}:{one % 2 * 30:02}" for one in halves)
)
ROUTES = st.lists(st.builds(Route, st.sampled_from(["a", "b"]), st.sampled_from(Days), HOURS), max_size=4)


@given(routes=ROUTES, half_hour=st.integers(0, 47), day=st.sampled_from(["2026-11-25", "2026-11-28", "2026-09-02"]))
@settings(max_examples=examples(200), deadline=None)
def test_accepted_routes_are_unambiguous_and_agree_with_the_day_plan(
    routes: list[Route], half_hour: int, day: str
) -> None:
    try:
        require_apart(routes)
    except RoutesOverlap:
        assume(False)
    moment = at(f"{day}T{half_hour // 2:02}:{half_hour % 2 * 30:02}")
    assert sum(route.holds(moment) for route in routes) <= 1
    plan = day_plan(routes, Days.WORKING if Days.WORKING.include(moment.date()) else Days.OFF)
    minutes = half_hour * 30
    (stretch,) = [one for one in plan if one.begins <= minutes < one.ends]
    assert stretch.route == route_at(routes, moment)
    assert (plan[0].begins, plan[-1].ends) == (0, 24 * 60)
