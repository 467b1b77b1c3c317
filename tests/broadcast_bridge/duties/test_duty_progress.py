"""Rules of duties over plain data: deadlines, chains of days, repeats."""

import datetime

import pytest

from broadcast_bridge.duties.duty_progress import Chain, Terms, last_break, progress, soonest_chain
from broadcast_bridge.duties.duty_rules import after_working_days, duty_rules
from haichieu.locale import render

RULES = duty_rules()


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text if len(text) > 5 else f"2026-{text}")


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(f"2026-{text}")


def terms(rule: str, decided: str = "11-23", event: str | None = None, clock: str = "05:30") -> Terms:
    one, event_on = RULES[rule], day(event) if event else None
    begins = datetime.datetime.combine(day(decided), datetime.time.fromisoformat(clock))
    return Terms(one, begins, one.deadline(day(decided), event_on), event_on)


def test_every_rule_names_its_law() -> None:
    assert {key: render(rule.source, "en") for key, rule in RULES.items()} == {
        "publication": "Law 10/2022/QH15, article 11, 12, 13",
        "meeting": "Decree 59/2023/NĐ-CP, article 11",
        "village_meeting": "Decree 59/2023/NĐ-CP, article 3",
        "ballot": "Law 10/2022/QH15, article 19",
        "disaster": "Decree 66/2021/NĐ-CP, article 4",
        "disaster_severe": "Decree 66/2021/NĐ-CP, article 4",
    }
    assert all(render(rule.name, "vi") for rule in RULES.values())


@pytest.mark.parametrize(
    ("decided", "deadline"),
    [
        ("2026-11-23", "2026-12-01"),  # the Day of Vietnamese Culture lies between
        ("2026-11-28", "2026-12-04"),  # a Saturday
        ("2026-04-24", "2026-05-06"),  # the Hùng kings' day, Reunification and Labour Day lie between
        ("2027-02-03", "2027-02-17"),  # Tết
    ],
)
def test_deadline_counts_working_days(decided: str, deadline: str) -> None:
    assert RULES["publication"].deadline(day(decided), None) == day(deadline)
    assert after_working_days(day(decided), 0) == day(decided)


def test_notices_are_due_days_before_their_event() -> None:
    assert RULES["meeting"].deadline(day("11-20"), day("12-02")) == day("11-27")
    assert RULES["village_meeting"].deadline(day("11-20"), day("12-02")) == day("11-30")
    assert RULES["ballot"].deadline(day("11-20"), day("12-02")) == day("11-30")


@pytest.mark.parametrize(
    ("heard", "here", "state"),
    [
        ([], "11-24T06:00", "open"),
        (["24", "25", "26"], "11-26T06:00", "met"),
        (["24", "26", "27", "28"], "11-28T06:00", "met"),  # a broken day, and a chain in time
        (["24", "26"], "11-28T06:00", "open"),  # 27 broke the chain; it can begin on 28
        (["30", "24", "25"], "11-30T06:00", "open"),
        (["29", "30"], "11-30T23:00", "open"),
        ([], "12-01T23:00", "open"),
        (["24", "25"], "12-02T06:00", "overdue"),
        ([], "12-02T00:00", "overdue"),
    ],
)
def test_consecutive_days_begin_again_after_a_broken_day(heard: list[str], here: str, state: str) -> None:
    runs = [moment(f"11-{one}T05:31") for one in heard]
    assert progress(terms("publication"), runs, moment(here)).state == state


def test_chain_that_began_after_the_deadline_is_late() -> None:
    found = progress(terms("publication"), [moment(f"12-0{one}T05:30") for one in (2, 3, 4)], moment("12-04T06:00"))
    assert (found.state, found.met_on) == ("met_late", day("12-04"))


def test_runs_before_the_decision_do_not_count() -> None:
    found = progress(
        terms("publication", "11-26"), [moment(f"11-{one}T05:30") for one in (24, 25, 26)], moment("11-26T09:00")
    )
    assert (found.state, found.heard) == ("open", ("2026-11-26",))


@pytest.mark.parametrize(
    ("heard", "here", "state"),
    [("11-27", "11-27T06:00", "met"), ("11-28", "11-28T06:00", "met_late"), ("12-02", "12-02T06:00", "missed"),
     (None, "11-27T23:00", "open"), (None, "11-28T06:00", "overdue"), (None, "12-02T00:00", "missed")],
)  # fmt: skip
def test_meeting_is_called_five_days_ahead(heard: str | None, here: str, state: str) -> None:
    runs = [moment(f"{heard}T05:30")] if heard else []
    assert progress(terms("meeting", "11-20", "12-02"), runs, moment(here)).state == state


def test_warning_is_repeated_in_every_slot() -> None:
    asked = terms("disaster", "11-24", "11-24", "12:00")  # 12, 15, 18 and 21 o'clock
    runs = [moment(f"11-24T{hour}:05") for hour in (12, 15, 18, 21)]
    assert progress(asked, runs[:2], moment("11-24T17:00")).state == "open"
    assert progress(asked, runs[:1], moment("11-24T18:00")).state == "overdue"
    assert progress(asked, runs, moment("11-24T21:10")).state == "met"
    assert progress(asked, runs[1:], moment("11-25T00:00")).state == "missed"
    assert progress(asked, runs, moment("11-24T21:10")).heard[0] == "2026-11-24T12:00"


@pytest.mark.parametrize(
    ("heard", "today", "broken"),
    [
        (["27", "30"], "11-30", ("11-28", "11-30")),
        (["27"], "11-30", ("11-28", "11-30")),
        (["27"], "11-28", None),
        (["27", "28"], "11-28", None),
        ([], "11-28", None),
    ],
)
def test_break_of_a_chain_names_its_day_and_the_next_beginning(
    heard: list[str], today: str, broken: tuple[str, str] | None
) -> None:
    found = last_break([day(f"11-{one}") for one in heard], day(today))
    assert found == (broken and (day(broken[0]), day(broken[1])))


def test_soonest_chain_continues_heard_days_and_avoids_muted_ones() -> None:
    asked, today = terms("publication"), day("11-25")
    assert soonest_chain(asked, {day("11-24")}, today) == Chain(day("11-24"), [today, day("11-26")])
    assert soonest_chain(asked, {day("11-23")}, today) == Chain(today, [today, day("11-26"), day("11-27")])
    chain = soonest_chain(asked, set(), today, lambda one: one == day("11-26"))
    assert chain is not None
    assert chain.begins == day("11-27")
    assert soonest_chain(asked, set(), today, lambda one: True) is None
    assert soonest_chain(terms("publication", "12-10"), set(), today) == Chain(
        day("12-10"), [day("12-10"), day("12-11"), day("12-12")]
    )


def test_no_chain_is_left_on_the_day_of_the_event() -> None:
    assert soonest_chain(terms("ballot", "11-20", "12-02"), set(), day("12-02")) is None
