"""The pages of call flows: the tree, its forms, two people at one draft, publishing, going back, the simulator."""

import html
import json
import re
import shutil
from pathlib import Path

import pytest

from admin.access.models import WebSession
from haichieu import audit
from haichieu.database import Database, now
from ivr.custom_flows import versions
from ivr.custom_flows.models import FlowDraft
from ivr.custom_flows.sketch import read_sketch
from ivr.custom_flows.versions import current_number
from ivr.flows.definition import delivered_definition
from ivr.prompts.custom import find_custom, set_text
from ivr.prompts.prompt_texts import PromptTexts
from tests.builders.accounts import PASSWORD
from tests.builders.house import PAGE, Browser, House, SharedApplication

ADMIN = "admin@district.example"
FLOW = "/flows/hotline"
DRAFT = f"{FLOW}/draft"


@pytest.fixture
def house(migrated_sqlite: Path, tmp_path: Path, application: SharedApplication) -> House:
    """On SQLite alone: the rows are tried on both in tests/ivr/test_custom_flows.py."""
    return application.build(Database(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path)}"), tmp_path)


def send(browser: Browser, path: str, page: str = DRAFT, **fields: object):  # type: ignore[no-untyped-def]
    """Send a form of a page, with the mark of what was shown there."""
    return browser.post(path, page, **{"seen": seen(browser, page), **fields})


def seen(browser: Browser, page: str = DRAFT) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]+)"', browser.get(page).text)
    return found[1] if found else ""


def at_work(house: House) -> dict[str, dict[str, str]]:
    with house.database.session() as session:
        sketch = read_sketch(versions.at_work(session, "hotline"))
    return {step["id"]: step["exits"] for step in sketch.steps}


def in_use(house: House) -> int:
    with house.database.session() as session:
        return current_number(session, "hotline")


def test_a_menu_is_changed_tried_published_and_taken_back(house: House) -> None:
    browser = house.signed_in(ADMIN)
    page = browser.get(DRAFT).text
    assert "Chưa có bản nháp" in page
    assert "Bấm một để nghe bản tin mới nhất." in page  # what the menu says
    added = send(browser, f"{FLOW}/add", step="office-hours", verb="say", before="main-menu", exit="5")
    assert added.headers["Location"].endswith("/draft/office-hours")
    step = f"{DRAFT}/office-hours"
    page = browser.get(step).text
    assert "thiếu prompt" in page  # at the step that lacks it
    assert "Nhiều nhất" not in page
    refused = send(browser, "/flows/hotline/publish", because="vội", over="0")
    assert (refused.status_code, in_use(house)) == (422, 0)
    assert "office-hours" in refused.text
    saved = send(browser, step, step, step="office", field_prompt="duty-desk-closed", exit_next="main-menu")
    assert saved.status_code == 303
    assert at_work(house)["main-menu"]["5"] == "office"
    assert "Không có chỗ sai" in browser.get(DRAFT).text
    tried = browser.get("/flows/hotline/simulator?keys=5").text
    assert "duty" not in tried
    assert at_work(house)["office"] == {"next": "main-menu"}
    page = browser.get("/flows/hotline/publish").text
    assert re.search(r"Lối ra <kbd>5</kbd>.*<ins>office</ins>", page, re.DOTALL)
    mark = seen(browser, "/flows/hotline/publish")
    for fields, status in (
        ({"because": " "}, 422),
        ({"because": "x", "over": "7"}, 409),
        ({"seen": "0", "because": "x"}, 409),
    ):
        answer = browser.post("/flows/hotline/publish", DRAFT, **{"seen": mark, "over": "0", **fields})
        assert (answer.status_code, in_use(house)) == (status, 0), fields
    done = browser.post("/flows/hotline/publish", DRAFT, seen=mark, over="0", because="Giờ làm việc <b>")
    assert (done.status_code, in_use(house)) == (303, 1)
    page = browser.get("/flows/hotline").text
    assert "Giờ làm việc &lt;b&gt;" in page
    assert "Từ cuộc gọi kế tiếp, đài theo bản 1." in page
    assert "office" in page
    assert browser.get("/flows/hotline/publish").status_code == 409  # there is no draft any more
    back = browser.post("/flows/hotline/versions/0", DRAFT, over="0", because="nhầm")
    assert (back.status_code, in_use(house)) == (409, 1)
    assert "nhầm" in back.text
    back = browser.post("/flows/hotline/versions/0", DRAFT, over="1", because="nhầm")
    assert (back.status_code, in_use(house)) == (303, 2)
    assert "lấy lại bản 0" in browser.get("/flows/hotline").text
    with house.database.session() as session:
        acts = [(entry.actor, entry.action) for entry in audit.find(session, words="flow:hotline")]
    assert acts[:2] == [(f"account:{ADMIN}", "flow.roll_back"), (f"account:{ADMIN}", "flow.publish")]


def test_what_the_second_of_two_people_typed_is_kept(house: House) -> None:
    one, other = house.signed_in(ADMIN), house.signed_in(ADMIN)
    step = f"{DRAFT}/main-menu"
    old = seen(one, step)
    exits = {"exit_1": "message", "exit_2": "commune", "exit_*": "main-menu"}
    assert send(other, f"{DRAFT}/status", step, do="remove", instead="main-menu").status_code == 303
    typed = {"step": "main-menu", "field_prompt": "ask-useful", "field_seconds": "7.5", **exits}
    late = one.post(step, step, seen=old, **typed)
    assert late.status_code == 409
    assert 'value="7.5"' in late.text
    assert '<option value="ask-useful" selected>' in late.text
    assert re.search(r'name="exit_1">.*?<option value="message" selected>', late.text, re.DOTALL)
    assert "status" not in at_work(house)
    assert one.post(step, step, seen=seen(one, step), **typed).status_code == 303
    assert at_work(house)["main-menu"] == {"1": "message", "2": "commune", "*": "main-menu"}
    gone = one.post(f"{DRAFT}/status", step, seen=old, step="ket-qua", exit_done="main-menu")
    assert (gone.status_code, "ket-qua" in gone.text) == (409, True)
    own = json.loads(delivered_definition("hotline"))
    own["title"] = {"vi": "Của tôi <i>"}
    written = one.post(f"{FLOW}/json", f"{FLOW}/json", seen=old, definition=json.dumps(own, ensure_ascii=False))
    assert written.status_code == 409
    assert "Của tôi &lt;i&gt;" in written.text
    assert "Bản nháp hiện nay" in written.text
    for path, fields in (
        (DRAFT, {"start": "language", "title_vi": "Tên mới"}), (f"{FLOW}/discard", {"sure": "yes"}),
        (f"{FLOW}/add", {"step": "moi", "verb": "say"}), (step, {"do": "order", "move": "1:down"}),
        (step, {"do": "remove"}),
    ):  # fmt: skip
        late = one.post(path, DRAFT, seen=old, **fields)
        assert (late.status_code, "Người khác vừa thay đổi" in late.text) == (409, True), path
        assert all(
            value in late.text for value in fields.values() if value not in ("yes", "1:down", "order", "remove")
        ), path


def test_typed_text_survives_an_expired_login_and_overwrites_nobody(house: House) -> None:
    browser, other = house.signed_in(ADMIN), house.signed_in(ADMIN)
    step = f"{DRAFT}/main-menu"
    token, mark = browser.form_token(step), seen(browser, step)
    with house.database.session() as session:
        session.query(WebSession).order_by(WebSession.id).first().ended_at = now()  # type: ignore[union-attr]
    fields = {"seen": mark, "step": "main-menu", "field_seconds": "9", "exit_1": "status"}
    late = browser.client.post(
        step, data={**fields, "csrf_token": token}, headers={**PAGE, "Referer": f"http://localhost{step}"}
    )
    sealed = re.search(r'name="kept" value="([^"]+)"', late.text)
    assert sealed, late.text
    assert send(other, f"{DRAFT}/status", do="remove", instead="main-menu").status_code == 303
    signed_in = browser.post("/login", email=ADMIN, password=PASSWORD, kept=sealed[1], next=step)
    assert signed_in.headers["Location"] == step
    page = browser.get(step).text
    assert 'value="9"' in page
    assert f'name="seen" value="{mark}"' in page
    assert browser.post(step, "/account", **fields).status_code == 409


def test_the_draft_by_its_other_forms(house: House) -> None:
    browser = house.signed_in(ADMIN)
    step = f"{DRAFT}/main-menu"
    assert send(browser, step, do="order", move="2:up").status_code == 303
    assert list(at_work(house)["main-menu"].items())[:2] == [("1", "message"), ("2", "commune")]
    assert send(browser, step, do="order", order=["2", "1", "3", "0", "*"]).status_code == 303
    assert at_work(house)["main-menu"]["1"] == "commune"
    assert send(browser, DRAFT, title_vi="Bà con", start="language", call_back_entry="").status_code == 303
    page = browser.get(DRAFT).text
    assert "đài gọi đi theo menu này nên cần call_back_entry" in html.unescape(page)
    assert "không có bước nào dẫn tới" in page  # at `greeting`, which nothing leads to any more
    written = send(browser, f"{FLOW}/json", definition=delivered_definition("hotline"))
    assert written.status_code == 303
    for bad in (
        "", "[", '{"nodes": [{"id": "a", "verb": "dance"}]}', '{"nodes": [], "title": "\\ud800"}',
        '{"nodes": [{"id": "a", "verb": "\\ud800"}]}', '{"nodes": [], "\\ud800": 1, "\\ud800": 2}',
    ):  # fmt: skip
        answer = send(browser, f"{FLOW}/json", definition=bad)
        assert answer.status_code == 422
        assert html.escape(bad, quote=False) in answer.text.replace("&#34;", '"')
    for fields in (
        {"step": "Có dấu", "verb": "say"}, {"step": "main-menu", "verb": "say"}, {"step": "x", "verb": "dance"},
        {"step": "", "verb": "say"}, {"step": "x\0", "verb": "say"}, {"step": "a" * 10_000, "verb": "say"},
    ):  # fmt: skip
        assert send(browser, f"{FLOW}/add", **fields).status_code == 422, fields
    refused = send(browser, step, step, step="main-menu", field_seconds="lâu <b>", exit_1="commune")
    assert (refused.status_code, "lâu &lt;b&gt;" in refused.text) == (422, True)
    assert send(browser, f"{FLOW}/discard").status_code == 422
    assert send(browser, f"{FLOW}/discard", sure="yes").status_code == 303
    with house.database.session() as session:
        assert session.query(FlowDraft).count() == 0
    for nowhere in ("/flows/nope", "/flows/nope/draft", f"{DRAFT}/nope", "/flows/hotline/versions/7"):
        assert browser.get(nowhere).status_code == 404
    assert send(browser, "/flows/hotline/versions/7", over="0", because="x").status_code == 404


def test_the_simulator_walks_by_the_address_and_touches_nothing(house: House) -> None:
    browser = house.signed_in(ADMIN)
    begun = browser.get("/flows/official-line/simulator?caller=stranger").text
    assert "Xin mời nhập mã cán bộ" in begun
    keys = "keys=1001%23&keys=2468%23&keys=1&keys=12%23"
    live = browser.get(f"/flows/official-line/simulator?caller=stranger&{keys}&then=press&next=1").text
    assert "Khu commune" in live
    assert '<li class="trial-pressed" dir="auto"><kbd>1</kbd>' in live
    taken_back = browser.get(f"/flows/official-line/simulator?caller=stranger&{keys}&then=back").text
    assert "Khu commune" not in taken_back
    for odd in (
        "keys=%00%3Cb%3E&key=7",
        "of=99999999999",
        "language=%3Cb%3E",
        "then=press&next=abc",
        "called_back=yes",
    ):
        assert browser.get(f"/flows/hotline/simulator?{odd}").status_code == 200, odd
    assert browser.get("/flows/hotline/simulator?of=3").status_code == 404
    broken = {
        "flow": "hotline",
        "version": 1,
        "title": {"vi": "X"},
        "start": "a",
        "nodes": [{"id": "a", "verb": "say"}],
    }
    send(browser, f"{FLOW}/json", definition=json.dumps(broken))
    assert "thiếu prompt" in browser.get("/flows/hotline/simulator").text
    assert "Đài truyền thanh xin chào bà con" in browser.get("/flows/hotline/simulator?of=0").text


def test_the_biggest_flow_there_may_be_can_be_shown(house: House) -> None:
    steps = [{"id": f"s{n}", "verb": "say", "prompt": "goodbye", "exits": {"next": f"s{n + 1}"}} for n in range(499)]
    whole = {"flow": "hotline", "start": "s0", "nodes": [*steps, {"id": "s499", "verb": "hangup"}], "title": {"vi": 1}}
    with house.database.session() as session:
        mark = versions.mark_of(versions.at_work(session, "hotline"))
        versions.save_draft(session, "hotline", json.dumps(whole), mark, "test", now())
        assert versions.history(session, "hotline") == []
    browser = house.signed_in(ADMIN)
    for path in ("", "/draft", "/json", "/draft/s250", "/publish", "/simulator"):
        assert browser.get(f"/flows/hotline{path}").status_code == (200), path


def test_menu_with_other_keys_is_shown_with_the_words_to_record(house: House) -> None:
    browser = house.signed_in(ADMIN)
    assert "Lời thoại không còn khớp" not in browser.get(DRAFT).text
    assert send(browser, f"{DRAFT}/main-menu", do="order", move="1:down").status_code == 303
    for path in (DRAFT, "/flows/hotline/publish"):
        page = browser.get(path).text
        assert "Lời thoại không còn khớp với phím" in page, path
        assert "Bấm một để gửi ý kiến phản ánh. Bấm hai để nghe bản tin mới nhất." in page
        assert "/prompts/vi/hotline-menu" in page
    mark = seen(browser, "/flows/hotline/publish")
    assert browser.post("/flows/hotline/publish", DRAFT, seen=mark, over="0", because="đổi phím").status_code == 303
    assert "Lời thoại không còn khớp với phím" in browser.get("/flows/hotline/versions/0").text  # going back, too


def test_words_of_a_menu_are_published_together_with_its_keys(house: House) -> None:
    browser, publish = house.signed_in(ADMIN), "/flows/hotline/publish"
    assert send(browser, f"{DRAFT}/main-menu", do="order", move="1:down").status_code == 303
    shown = browser.get(publish).text
    proposed = html.unescape(re.findall(r'name="words:vi:hotline-menu"[^>]*>([^<]*)<', shown)[0])
    assert proposed.startswith("Bấm một để gửi ý kiến phản ánh.")
    assert re.search(r'name="change" value="vi:hotline-menu" checked', shown)
    sent = {"seen": seen(browser, publish), "over": "0", "because": "đổi phím", "change": "vi:hotline-menu"}
    unfinished = browser.post(publish, DRAFT, **sent, **{"words:vi:hotline-menu": "Bấm một để …"})
    assert unfinished.status_code == 422
    assert "Bấm một để …" in unfinished.text
    assert in_use(house) == 0
    assert browser.post(publish, DRAFT, **sent, **{"words:vi:hotline-menu": proposed}).status_code == 303
    with house.database.session() as session:
        own = find_custom(session, "hotline-menu", "vi")
        assert own is not None
        assert own.text == proposed
    assert in_use(house) == 1


def test_steps_have_names_and_keys_the_words_that_callers_hear(house: House) -> None:
    page = html.unescape(house.signed_in(ADMIN).get(DRAFT).text)
    assert "<b>Menu chính</b>" in page
    assert re.search(r'<kbd>1</kbd></span><span class="hint" dir="auto">Bấm một để nghe bản tin mới nhất\.', page)
    step = html.unescape(house.signed_in(ADMIN).get(f"{DRAFT}/main-menu").text)
    assert re.search(r'<kbd>1</kbd> <span class="hint" dir="auto">Bấm một để nghe bản tin', step)
    assert ">Nghe bản tin</option>" in step


def test_menu_whose_words_were_changed_for_its_keys_is_right(house: House) -> None:
    browser = house.signed_in(ADMIN)
    assert send(browser, f"{DRAFT}/main-menu", do="order", move="1:down").status_code == 303
    with house.database.session() as session:
        for language in ("vi", "en"):
            text = "Bấm một để gửi phản ánh." if language == "vi" else "To leave a message, press one."
            set_text(session, PromptTexts.delivered(), "hotline-menu", language, text, "account:a@b", now())
    assert "Lời thoại không còn khớp" not in browser.get("/flows/hotline/publish").text
