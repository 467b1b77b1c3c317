"""Answering from the pages of cases: previewed, taken back, two at once, and nothing typed is lost."""

import datetime
import re
from pathlib import Path

from werkzeug.test import TestResponse

from feedback.answers.replies import TO_TAKE_BACK, Answer, advance, answer
from feedback.cases.case_lifecycle import find_case
from feedback.models import Message
from feedback.states import ReplyEvent, Way
from haichieu import jobs
from haichieu.database import now
from haichieu.jobs import Job
from haichieu.locale import message
from haichieu.media import MediaStore
from tests.admin.forms import field
from tests.builders.accounts import EDITOR, OPERATOR
from tests.builders.cases import spoken, written
from tests.builders.house import House
from tests.builders.sounds import tone


def test_an_answer_is_previewed_on_its_page_and_then_goes(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path, agrees=True)
    browser, page = house.signed_in(OPERATOR), f"/cases/{number}"
    fields = {"answer": "Đã sửa cầu.\r\nCảm ơn bà con.", "way": ["text", "call", "air"]}
    fields["based_on"] = field(browser.get(page).text, "based_on")
    preview = browser.post(f"{page}/answer", page=page, step="preview", **fields)
    assert preview.status_code == 200
    assert "Gửi thành 1 tin nhắn" in preview.text
    assert "Khu commune" in preview.text
    assert "Đã sửa cầu.\nCảm ơn bà con.</textarea>" in preview.text.replace("\r", "")
    assert browser.post(f"{page}/answer", page=page, **fields).status_code == 200
    with house.database.session() as session:
        assert find_case(session, number).status == "new"
    assert browser.post(f"{page}/answer", page=page, step="send", **fields).location == page
    shown = browser.get(page).text
    assert "đã trả lời" in shown
    assert shown.count("đang chờ") >= 3
    with house.database.session() as session:
        answered = find_case(session, number)
        assert answered.messages[-1].author == f"account:{OPERATOR}"
        ids = [reply.id for reply in answered.messages[-1].replies]
        due = session.query(Job.due_at).filter(Job.kind != "file", Job.subject_id.in_(ids))
        assert {at - answered.messages[-1].at for (at,) in due} == {TO_TAKE_BACK}


def test_an_answer_that_closes_leads_to_the_next_case_of_the_list(house: House, tmp_path: Path) -> None:
    numbers = [written(house, tmp_path, f"Cầu {one}", unit="village") for one in range(3)]
    with house.database.session() as session:
        for hours, number in enumerate(numbers):
            find_case(session, number).due_at = now() - datetime.timedelta(hours=9 - hours)
    written(house, tmp_path, unit="commune")
    browser, query = house.signed_in(OPERATOR), "?tab=overdue&unit=VILLAGE"
    at = f"/cases/{numbers[0]}"
    for number, following in zip(numbers, [*numbers[1:], ""], strict=True):
        assert at == f"/cases/{number}" + (query if number != numbers[0] else "")
        page = f"/cases/{number}{query}"
        mark = field(browser.get(page).text, "based_on")
        form = {"based_on": mark, "answer": "Đã sửa", "way": "text", "step": "close"}
        at = browser.post(f"/cases/{number}/answer{query}", page=page, **form).location
        assert at == (f"/cases/{following}{query}" if following else f"/cases{query}")
        shown = browser.get(at).text
        assert "Đã trả lời và đóng phản ánh." in shown
        assert ("phản ánh tiếp theo trong danh sách" in shown) is bool(following)
    with house.database.session() as session:
        assert {find_case(session, number).status for number in numbers} == {"closed"}


def test_an_answer_is_taken_back_into_its_form(house: House, tmp_path: Path) -> None:
    first, second = written(house, tmp_path), written(house, tmp_path, known=False)
    browser, page = house.signed_in(OPERATOR), f"/cases/{first}"
    form = {"based_on": field(browser.get(page).text, "based_on"), "answer": "Gửi nhầm", "way": "call"}
    assert browser.post(f"{page}/answer", page=page, step="close", **form).location == f"/cases/{second}"
    shown = browser.get(f"/cases/{second}").text
    assert f"Câu trả lời phản ánh {first[:4]} {first[4:]} được gửi đi sau" in shown
    assert "take-back" in browser.get("/cases").text
    assert "take-back" not in house.signed_in(EDITOR).get(f"/cases/{second}").text
    message = field(shown, "message")
    assert browser.post(f"/cases/{second}/take-back", page=page, message=message).status_code == 404
    taken = browser.post(f"{page}/take-back", page=page, message=message)
    assert taken.location == page
    shown = browser.get(page).text
    assert "Gửi nhầm</textarea>" in shown
    assert 'value="call" checked' in shown
    assert 'value="text" checked' not in shown
    assert "Đã thu hồi câu trả lời" in shown
    assert browser.post(f"{page}/take-back", page=page, message=message).status_code == 404
    with house.database.session() as session:
        assert find_case(session, first).status == "new"


def test_an_answer_that_has_left_is_not_taken_back(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path)
    with house.database.session() as session:
        given = Answer(f"account:{OPERATOR}", [Way.TEXT], "Đã sửa", waits=TO_TAKE_BACK)
        message = answer(session, find_case(session, number), given, now())
    browser, page = house.signed_in(OPERATOR), f"/cases/{number}"
    assert "take-back" in browser.get(page).text
    with house.database.session() as session:
        jobs.claim(session, ["send-text"], now() + TO_TAKE_BACK, TO_TAKE_BACK)
        late = session.get_one(Message, message.id).replies[0]
        advance(session, late, ReplyEvent.BEGIN, now())
    assert "take-back" not in browser.get(page).text
    refused = browser.post(f"{page}/take-back", page=page, message=str(message.id))
    assert refused.status_code == 422
    assert "Không thu hồi được nữa" in refused.text


def test_the_usual_method_is_chosen_beforehand(house: House, tmp_path: Path, store: MediaStore) -> None:
    browser = house.signed_in(OPERATOR)
    for number, chosen in (
        (written(house, tmp_path), {"text"}),
        (written(house, tmp_path, known=False), {"air"}),
        (spoken(house, store)[0], {"air"}),
    ):
        form = browser.get(f"/cases/{number}").text.partition("/answer")[2].partition("</form>")[0]
        assert set(re.findall(r'name="way" value="(\w+)" checked', form)) == chosen
        refused = browser.post(f"/cases/{number}/answer", page=f"/cases/{number}", answer="Xong", step="send")
        form = refused.text.partition("/answer")[2].partition("</form>")[0]
        assert re.findall(r'name="way" value="(\w+)" checked', form) == []


def test_a_failed_call_is_made_again_from_its_page_once(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path)
    with house.database.session() as session:
        given = Answer("test", [Way.CALL, Way.TEXT], "Đã sửa")
        call, _ = answer(session, find_case(session, number), given, now()).replies
        advance(session, call, ReplyEvent.FAIL, now(), message("call.answer.busy"))
    browser, path = house.signed_in(OPERATOR), f"/cases/{number}"
    page = browser.get(path).text
    assert page.count('name="reply"') == 1
    assert browser.post(f"{path}/retry", page=path, reply=str(call.id)).status_code == 303
    again = browser.post(f"{path}/retry", page=path, reply=str(call.id))
    assert again.status_code == 422
    assert "Không có tin nhắn hay cuộc gọi nào bị lỗi" in again.text
    assert browser.post(f"{path}/retry", page=path, reply="999").status_code == 404
    page = browser.get(path).text
    assert 'name="reply"' not in page
    assert "gửi lại trả lời" in page
    other = written(house, tmp_path, unit="other")
    with house.database.session() as session:
        [hidden] = answer(session, find_case(session, other), Answer("test", [Way.CALL], "x"), now()).replies
        advance(session, hidden, ReplyEvent.FAIL, now())
    assert browser.post(f"{path}/retry", page=path, reply=str(hidden.id)).status_code == 404


def test_a_recorded_answer_goes_once_and_only_with_a_voice_in_it(
    house: House, tmp_path: Path, store: MediaStore
) -> None:
    number, _, sound_id = spoken(house, store)
    browser, path = house.signed_in(OPERATOR), f"/cases/{number}/answer/recording"

    def record(sound: bytes, **said: object) -> TestResponse:
        headers = {"X-CSRFToken": browser.form_token(f"/cases/{number}"), "Accept": "application/problem+json"}
        return browser.client.post(
            path, query_string=said, data=sound, headers=headers, content_type="application/octet-stream"
        )

    form = browser.get(f"/cases/{number}").text.partition("data-upload")[2]
    based_on = field(form, "based_on")
    assert record(tone(seconds=2), way="air", based_on="0").status_code == 409
    assert record(tone(seconds=2), way="call", based_on=based_on).status_code == 422  # nobody knows whom to call
    assert record(tone(seconds=2), based_on=based_on).status_code == 422
    assert record(b"no sound", way="air", based_on=based_on).status_code == 422
    with house.database.session() as session:
        assert len(find_case(session, number).messages) == 1
    answered = record(tone(seconds=2), way="air", based_on=based_on)
    assert (answered.status_code, answered.json) == (201, {"page": f"/cases/{number}"})
    assert record(tone(seconds=2), way="air", based_on=based_on).status_code == 409
    with house.database.session() as session:
        case = find_case(session, number)
        given = case.messages[-1]
        assert (case.status, len(case.messages), given.text) == ("answered", 2, "")
        assert given.sound is not None
        assert [(reply.way, reply.state) for reply in given.replies] == [("air", "waiting")]
        answer_id = given.sound.id
    assert max(browser.get(f"/sounds/{answer_id}/peaks").json["peaks"]) > 15
    assert len(browser.get(f"/sounds/{sound_id}/peaks").json["peaks"]) == 240
    assert browser.get("/").headers["Permissions-Policy"].endswith("microphone=()")
    assert browser.get(f"/cases/{number}").headers["Permissions-Policy"].endswith("microphone=(self)")


def test_an_answer_that_cannot_go_stays_in_the_form(house: House, tmp_path: Path) -> None:
    number, anonymous = written(house, tmp_path, agrees=True), written(house, tmp_path, known=False)
    browser = house.signed_in(OPERATOR)
    for case, fields, why in (
        (number, {"answer": "Xong", "way": []}, "Chưa chọn cách"),
        (number, {"answer": "Gọi 0912 345 678", "way": ["air"]}, "số điện thoại"),
        (number, {"answer": "Dài" * 2000, "way": ["text"]}, "tối đa"),
        (anonymous, {"answer": "Xong", "way": ["text"]}, "ẩn danh"),
    ):  # fmt: skip
        page = f"/cases/{case}"
        answer = browser.post(f"{page}/answer", page=page, based_on=field(browser.get(page).text, "based_on"), **fields)
        assert answer.status_code == 422
        assert why in answer.text
        assert str(fields["answer"])[:20] in answer.text


def test_a_second_answer_is_refused_and_not_lost(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path)
    page, first, second = f"/cases/{number}", house.signed_in(OPERATOR), house.signed_in(EDITOR)
    mark = field(second.get(page).text, "based_on")
    first.post(f"{page}/answer", page=page, based_on=mark, answer="Câu của trực ban", way="text", step="send")
    answer = second.post(f"{page}/answer", page=page, based_on=mark, answer="Câu của tôi", way="text", step="send")
    assert answer.status_code == 409
    assert "vừa có thêm lời mới" in answer.text
    assert "Câu của trực ban" in answer.text
    assert "Câu của tôi</textarea>" in answer.text
    again = field(answer.text, "based_on")
    assert again != mark
    sent = second.post(f"{page}/answer", page=page, based_on=again, answer="Câu của tôi", way="text", step="send")
    assert sent.status_code == 303
    first.post(f"{page}/close", page=page)
    late = second.post(f"{page}/answer", page=page, based_on=again, answer="Thêm nữa", way="text")
    assert late.status_code == 409
    assert "đã đóng" in late.text
    assert "Thêm nữa" in late.text


def test_an_answer_can_be_heard_before_it_goes(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path)
    page, browser = f"/cases/{number}", house.signed_in(OPERATOR)
    heard = browser.post(f"{page}/answer/spoken", page=page, answer="Đã sửa cầu")
    assert (heard.status_code, heard.content_type, heard.data[:4]) == (200, "audio/wav", b"RIFF")
    assert browser.post(f"{page}/answer/spoken", page=page, answer=" … ").status_code == 409
    assert browser.post(f"{page}/answer/spoken", page=page, answer="a" * 5001).status_code == 409


def test_a_text_survives_a_login_that_ran_out(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path)
    page, browser = f"/cases/{number}", house.signed_in(OPERATOR)
    token = browser.form_token(page)
    with house.database.session() as session:
        from admin.access.models import WebSession

        for login in session.query(WebSession):
            login.ended_at = now()
    refused = browser.client.post(
        f"{page}/answer", data={"csrf_token": token, "answer": "Một câu dài", "way": "text"},
        headers={"Accept": "text/html", "Referer": f"http://localhost{page}/answer"},
    )  # fmt: skip
    kept = field(refused.text, "kept")
    assert browser.client.get(f"{page}/answer").status_code in (303, 401)
    signed = browser.post("/login", email=OPERATOR, password="ba-con-ech-xanh", kept=kept)
    assert signed.headers["Location"].endswith(f"{page}/answer")
    assert "Một câu dài</textarea>" in browser.get(f"{page}/answer").text
