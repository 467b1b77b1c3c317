"""Custom flows: no mistakes are published, no work is lost, and the line never goes down."""

import ast
import contextlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu import audit
from haichieu.alarms import open_alarms
from haichieu.database import Database, now
from haichieu.locale import render
from haichieu.people import Level, Unit
from ivr.calls.routing import OF_THE_STATION, Number
from ivr.custom_flows import editor, versions
from ivr.custom_flows.errors import (
    AlreadyInUse,
    FlowChangedMeanwhile,
    NoDraft,
    NoReason,
    NoSuchFlow,
    NoSuchVersion,
    StepRefused,
)
from ivr.custom_flows.in_use import FlowsInUse
from ivr.custom_flows.models import FlowDraft, FlowVersion
from ivr.custom_flows.sketch import DEEPEST, Sketch, differences, outline, read_sketch
from ivr.custom_flows.trial_call import Circumstances, try_out
from ivr.custom_flows.versions import FlowCheck, current_number, find_version, units_concerned
from ivr.flows.definition import delivered_definition, delivered_flow, delivered_flows
from ivr.flows.mistakes import FlowMistakes
from ivr.prompts.prompt_texts import PromptTexts
from tests.builders.prompts import TextsAlone

ROOT = Path(__file__).parent.parent.parent
TEXTS = PromptTexts.delivered()
CHECK = FlowCheck(TextsAlone(), ["vi", "en"])
BUILT_IN = delivered_definition("hotline")


class MachineStops(Exception):
    """In the middle of everything."""


class OnlyTexts:
    def text(self, key: str, language: str) -> str | None:
        return TEXTS.template(key, language) or None

    def recorded(self, key: str, language: str) -> bool:
        return key == "recorded-alone"


def sketch() -> Sketch:
    return read_sketch(BUILT_IN)


def greeting(prompt: str) -> str:
    """The citizens' line with another greeting."""
    changed = sketch()
    editor.the_step(changed, "greeting")["prompt"] = prompt
    return changed.text


def draft(session: Session, definition: str, who: str = "account:a@x") -> FlowDraft:
    seen = versions.mark_of(versions.at_work(session, "hotline"))
    return versions.save_draft(session, "hotline", definition, seen, who, now())


def publish(session: Session, definition: str, over: int = 0, because: str = "thử") -> FlowVersion:
    made = draft(session, definition)
    return versions.publish(
        session, "hotline", seen=versions.mark_of(made.definition), over=over, because=because, who="account:a@x",
        at=now(), check=CHECK,
    )  # fmt: skip


def go_back(session: Session, number: int, over: int, because: str = "nhầm") -> FlowVersion:
    return versions.roll_back(
        session, "hotline", number, over=over, because=because, who="account:b@x", at=now(), check=CHECK
    )


def greeted(flows: FlowsInUse) -> str:
    (node,) = (node for node in flows.now("hotline").nodes if node.id == "greeting")
    return node.prompts()[0]


def test_a_published_flow_applies_to_the_next_call_and_can_be_reverted(database: Database) -> None:
    flows = FlowsInUse(database, CHECK)
    under_way = flows.now("hotline")
    assert under_way == delivered_flow("hotline")
    with database.session() as session:
        assert publish(session, greeting("goodbye")).number == 1
        assert greeted(flows) == "greeting-hotline"  # until it is committed
    assert greeted(flows) == "goodbye"
    assert under_way.nodes[0].prompts() == ("greeting-hotline",)
    with database.session() as session:
        assert session.get(FlowDraft, "hotline") is None
        assert publish(session, greeting("no-bulletins"), over=1).number == 2
    assert greeted(flows) == "no-bulletins"
    with database.session() as session:
        assert go_back(session, 0, over=2).restores == 0
    assert greeted(flows) == greeted(FlowsInUse(database, CHECK)) == "greeting-hotline"  # a restart changes nothing
    with database.session() as session:
        assert go_back(session, 1, over=3).number == 4
        assert [(one.number, one.because, one.published_by) for one in versions.history(session, "hotline")] == [
            *((number, "nhầm", "account:b@x") for number in (4, 3)),
            *((number, "thử", "account:a@x") for number in (2, 1)),
        ]
        acts = [entry.action for entry in audit.find(session, words="flow:hotline")]
        assert acts == ["flow.roll_back"] * 2 + ["flow.publish", "flow.draft"] * 2
    assert greeted(flows) == "goodbye"


def test_nothing_wrong_is_published_and_nothing_half(database: Database) -> None:
    wrong = sketch()
    editor.remove_step(wrong, "duty-desk")
    editor.the_step(wrong, "status")["exits"].clear()
    with database.session() as session:
        kept = draft(session, wrong.text)
        with pytest.raises(FlowMistakes, match="status: lacks the exit done"):
            versions.publish(
                session, "hotline", seen=versions.mark_of(kept.definition), over=0, because="vội", who="a", at=now(),
                check=CHECK,
            )  # fmt: skip
    with database.session() as session:
        assert current_number(session, "hotline") == 0
    with contextlib.suppress(MachineStops), database.session() as session:
        publish(session, greeting("goodbye"))
        raise MachineStops
    with database.session() as session:
        assert (current_number(session, "hotline"), versions.at_work(session, "hotline")) == (0, wrong.text)
        assert "flow.publish" not in [entry.action for entry in audit.find(session)]
        with pytest.raises(AlreadyInUse):
            go_back(session, 0, over=0)
        with pytest.raises(NoReason):
            publish(session, greeting("goodbye"), because="  ")
        other = read_sketch(delivered_definition("answer-call"))
        with pytest.raises(FlowMistakes, match="calls itself answer-call, but must be hotline"):
            publish(session, other.text)


def test_second_of_two_concurrent_changes_is_refused(database: Database) -> None:
    seen = versions.mark_of(BUILT_IN)
    with database.session() as session:
        versions.save_draft(session, "hotline", greeting("goodbye"), seen, "account:a@x", now())
    for definition in (greeting("no-bulletins"), BUILT_IN):
        with pytest.raises(FlowChangedMeanwhile), database.session() as session:
            versions.save_draft(session, "hotline", definition, seen, "account:b@x", now())
    with database.session() as session:
        with pytest.raises(FlowChangedMeanwhile):
            versions.discard_draft(session, "hotline", seen, "account:b@x")
        now_there = versions.mark_of(greeting("goodbye"))
        for over, of in ((0, seen), (1, now_there)):
            with pytest.raises(FlowChangedMeanwhile):
                versions.publish(
                    session, "hotline", seen=of, over=over, because="x", who="b", at=now(), check=CHECK
                )  # fmt: skip
        versions.discard_draft(session, "hotline", now_there, "account:a@x")
        with pytest.raises(NoDraft):
            versions.discard_draft(session, "hotline", now_there, "account:a@x")


def test_of_many_at_the_same_moment_one_wins(database: Database) -> None:
    together = Barrier(4)

    def begin(number: int) -> bool:
        together.wait()
        try:
            with database.session() as session:
                versions.save_draft(
                    session, "hotline", greeting("goodbye"), versions.mark_of(BUILT_IN), f"{number}", now()
                )
        except FlowChangedMeanwhile:
            return False
        return True

    def back(number: int) -> bool:
        together.wait()
        try:
            with database.session() as session:
                go_back(session, 0, over=1)
        except FlowChangedMeanwhile:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(begin, range(4))) == [False, False, False, True]
        with database.session() as session:
            publish(session, greeting("no-bulletins"))
        assert sorted(pool.map(back, range(4))) == [False, False, False, True]
    with database.session() as session:
        assert current_number(session, "hotline") == 2


def test_alarm_names_the_first_of_several_mistakes(database: Database) -> None:
    with database.session() as session:
        publish(session, greeting("goodbye"))
        damaged = greeting("no-such-prompt").replace('"hotline"', '"other"', 1)
        session.execute(sa.update(FlowVersion).values(definition=damaged))
    FlowsInUse(database, CHECK).now("hotline")
    with database.session() as session:
        (alarm,) = open_alarms(session)
        said = render(alarm.text, "en")
    assert "\n" not in said
    assert "calls itself other" in said
    assert re.search(r"\(and \d+ more mistakes?\)$", said)


def test_a_damaged_version_does_not_take_the_line_down(database: Database) -> None:
    flows = FlowsInUse(database, CHECK)
    with database.session() as session:
        publish(session, greeting("goodbye"))
    for damage in ('{"flow": "hot', "[" * 5000, greeting("no-such-prompt"), "null", ""):
        with database.session() as session:
            session.execute(sa.update(FlowVersion).values(definition=damage))
        assert greeted(FlowsInUse(database, CHECK)) == "greeting-hotline"
    with database.session() as session:
        (alarm,) = open_alarms(session)
        assert (alarm.kind, alarm.subject) == ("flow_damaged", "flow:hotline")
        assert render(alarm.text, "vi").startswith("Bản số 1 không dùng được")
        assert "\n" not in render(alarm.text, "vi")
        session.execute(sa.update(FlowVersion).values(definition=greeting("goodbye")))
    assert greeted(flows) == "goodbye"
    with database.session() as session:
        assert open_alarms(session) == []
    assert flows.now("of-a-later-program").flow == "hotline"
    with database.session() as session:
        assert [alarm.subject for alarm in open_alarms(session)] == ["flow:of-a-later-program"]


def test_a_flow_concerns_the_units_whose_numbers_lead_to_it(database: Database) -> None:
    with database.session() as session:
        above = Unit(code="A", name="A", level=Level.DISTRICT)
        session.add(above)
        session.flush()
        below = Unit(code="B", name="B", level=Level.COMMUNE, parent_id=above.id)
        session.add(below)
        session.flush()
        assert units_concerned(session, "hotline") == {above.id}
        for number, flow in (("1022", "hotline"), *((f"190{n}", flow) for n, flow in enumerate(OF_THE_STATION))):
            session.add(Number(number=number, flow=flow, unit_id=below.id))
        assert units_concerned(session, "hotline") == {below.id}
        for flow in OF_THE_STATION:
            assert units_concerned(session, flow) == {above.id}
        with pytest.raises(NoSuchFlow):
            units_concerned(session, "../hotline")
        with pytest.raises(NoSuchVersion):
            find_version(session, "hotline", 7)


def test_every_flow_that_the_program_names_is_the_stations_own() -> None:
    """A flow is followed because a number leads to it, or because the program names it."""
    chosen_by_numbers = {"hotline", "fault-line", "duty-desk"}
    named = set()
    for folder in ("ivr/calls", "ivr/desks", "broadcast_bridge", "feedback", "haichieu"):
        for file in (ROOT / folder).rglob("*.py"):
            for one in ast.walk(ast.parse(file.read_text())):
                if isinstance(one, ast.Constant) and one.value in delivered_flows():
                    named.add(one.value)
    assert {"set-pin", "official-line"} <= named
    assert named - chosen_by_numbers <= OF_THE_STATION


@pytest.mark.parametrize(
    "definition",
    [
        "", "[]", "{", '{"nodes": 1}', '{"nodes": [1]}', '{"nodes": [{"id": "A b", "verb": "say"}]}',
        '{"nodes": [{"id": "a", "verb": "dance"}]}', '{"nodes": [{"id": "a", "verb": "say", "exits": [1]}]}',
        '{"nodes": [{"id": "a", "verb": "say", "exits": {"next": 1}}]}', '{"nodes": [], "nodes": []}',
        '{"nodes": [{"id": "a", "verb": "hangup"}, {"id": "a", "verb": "hangup"}]}', "[" * 100_000,
        '{"nodes": [], "title": "\\ud800"}', json.dumps({"nodes": [{"id": "a", "verb": "say"}] * 501}),
        '{"nodes": [{"id": "a", "verb": ["say"]}]}', '{"nodes": [{"id": "a", "verb": "\\ud800"}]}',
        '{"nodes": [], "\\ud800": 1, "\\ud800": 2}', '{"nodes": [{"id": "\\ud800", "verb": 1, "verb": 2}]}',
    ],
)  # fmt: skip
def test_what_cannot_be_shown_as_steps_is_no_draft(definition: str) -> None:
    with pytest.raises(FlowMistakes) as refusal:
        read_sketch(definition)
    assert str(refusal.value).encode()


def test_steps_are_added_changed_renamed_and_taken_out() -> None:
    made = sketch()
    editor.add_step(made, "news", "menu", ("main-menu", "5"))
    editor.change_step(
        made,
        "news",
        "news-menu",
        {"prompt": "ask-useful", "seconds": "2,5"},
        {"1": "bulletins", "2": "", "*": "main-menu"},
    )
    assert made.step("news") is None
    assert made.step("news-menu") == {
        "id": "news-menu", "verb": "menu", "prompt": "ask-useful", "seconds": 2.5,
        "exits": {"1": "bulletins", "*": "main-menu"},
    }  # fmt: skip
    assert editor.the_step(made, "main-menu")["exits"]["5"] == "news-menu"
    editor.move_exit(made, "main-menu", "5", -1)
    assert editor.the_step(made, "main-menu")["exits"] == {
        "1": "commune", "2": "message", "3": "status", "0": "duty-desk", "*": "news-menu", "5": "main-menu",
    }  # fmt: skip
    editor.reorder_exits(made, "main-menu", ["2", "1", "3", "0", "*", "5"])
    assert list(editor.the_step(made, "main-menu")["exits"].items())[:2] == [("1", "message"), ("2", "commune")]
    editor.remove_step(made, "greeting", "language")
    editor.remove_step(made, "called-back")
    assert (made.content["start"], made.content.get("call_back_entry")) == ("language", None)
    editor.set_beginning(made, {"vi": " Đường dây ", "en": ""}, "language", "main-menu")
    assert (made.titles, made.content["call_back_entry"]) == ({"vi": "Đường dây"}, "main-menu")
    changes = {(one.place, one.what, one.old, one.new) for one in differences(sketch(), made)}
    assert ("main-menu", "exits 1", "commune", "message") in changes
    assert ("greeting", "verb", "say", "") in changes
    assert ("", "start", "greeting", "language") in changes
    for refused in (
        lambda: editor.add_step(made, "Có dấu", "say"),
        lambda: editor.add_step(made, "main-menu", "say"),
        lambda: editor.add_step(made, "x", "dance"),
        lambda: editor.add_step(made, "x", "say", ("main-menu", "12")),
        lambda: editor.add_step(made, "x", "say", ("nowhere", "1")),
        lambda: editor.change_step(made, "main-menu", "main-menu", {"seconds": "lâu"}, {}),
        lambda: editor.change_step(made, "main-menu", "main-menu", {"seconds": "nan"}, {}),
        lambda: editor.change_step(made, "main-menu", "main-menu", {}, {"1": "nowhere"}),
        lambda: editor.change_step(made, "main-menu", "status", {}, {"1": "status"}),
        lambda: editor.remove_step(made, "status", "status"),
        lambda: editor.reorder_exits(made, "main-menu", ["1", "1"]),
        lambda: editor.move_exit(made, "main-menu", "9", 1),
        lambda: editor.set_beginning(made, {}, "nowhere", ""),
    ):
        before = made.text
        with pytest.raises(StepRefused):
            refused()
        assert made.text == before


def test_every_step_stands_once_in_the_tree_however_deep_or_lost_it_is() -> None:
    chain = [{"id": f"s{n}", "verb": "say", "exits": {"next": f"s{n + 1}"}} for n in range(400)]
    lost = [
        {"id": "lost", "verb": "say", "exits": {"next": "ring"}},
        {"id": "ring", "verb": "say", "exits": {"next": "lost"}},
    ]
    deep = read_sketch(json.dumps({"flow": "hotline", "start": "s0", "nodes": [*chain, *lost]}))
    for each in (sketch(), deep):
        roots = outline(each)
        assert sorted(place.id for root in roots for place in root.walk()) == sorted(each.ids)
    assert [place.id for place in roots[0].walk()][-1] == f"s{DEEPEST - 1}"
    first = outline(sketch())[0]
    ways = {way.exit: way for place in first.walk() if place.id == "main-menu" for way in place.ways}
    assert (ways["1"].below is not None, ways["*"].below, ways["*"].there) == (True, None, True)


@pytest.mark.asyncio
async def test_a_trial_stops_at_the_question_whose_keys_are_not_there_yet() -> None:
    hotline = delivered_flow("hotline")
    begun = await try_out(hotline, [], OnlyTexts())
    assert (begun.waits, begun.here) == (True, "main-menu")
    assert begun.lines[-1] == TEXTS.render("hotline-menu", "vi", {})
    on = await try_out(hotline, ["3", "", "12345674#"], OnlyTexts())
    assert (on.waits, on.here) == (True, "status")
    assert "⌨ " in on.lines
    official = delivered_flow("official-line")
    live = await try_out(official, ["1001#", "2468#", "1", "11#", "1"], OnlyTexts(), Circumstances(known_caller=False))
    assert TEXTS.render("live-result", "vi", {"heard": 11, "total": 12}) in live.lines
    assert live.here == "main-menu"
    back = await try_out(official, ["1"], OnlyTexts(), Circumstances(called_back=True))
    assert (back.here, "☎ answered" in back.lines) == ("main-menu", False)
    ended = await try_out(delivered_flow("answer-call"), ["1", "1", "1"], OnlyTexts(), Circumstances(called_back=True))
    assert (ended.waits, str(ended.end)) == (False, "completed")
